//! Who a DHCP packet comes from.

use dhcproto::v4::{DhcpOption, HType, Message, Opcode, OptionCode};

use crate::value::mac::Mac;

/// A client as dynamic leases know it: `dynamic-lease-identifiers` is `client-mac,client-id` by default.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Client {
    pub(crate) mac: Mac,
    /// Option 61 as rows show it: `1:aa:bb:cc:dd:ee:ff`, no leading zeros.
    pub(crate) id: Option<String>,
}

impl Client {
    /// The sender of `message`; `None` where it is no request from an Ethernet client.
    ///
    /// The length is checked before `chaddr` is touched: the parser takes any `hlen`, and the accessor panics
    /// for one above 16.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        let ethernet =
            message.opcode() == Opcode::BootRequest && message.htype() == HType::Eth && message.hlen() == 6;
        if !ethernet {
            return None;
        }
        let mac = Mac(message.chaddr().try_into().ok()?);
        let id = match message.opts().get(OptionCode::ClientIdentifier) {
            Some(DhcpOption::ClientIdentifier(bytes)) => Some(
                bytes
                    .iter()
                    .map(|byte| format!("{byte:x}"))
                    .collect::<Vec<_>>()
                    .join(":"),
            ),
            _ => None,
        };
        mac.is_station().then_some(Self { mac, id })
    }
}

/// Option 12.
pub(crate) fn host_name(message: &Message) -> Option<String> {
    match message.opts().get(OptionCode::Hostname) {
        Some(DhcpOption::Hostname(name)) => Some(name.trim_end_matches('\0').to_owned()),
        _ => None,
    }
}

/// Option 60, as far as it is text.
pub(crate) fn class_id(message: &Message) -> Option<String> {
    match message.opts().get(OptionCode::ClassIdentifier) {
        Some(DhcpOption::ClassIdentifier(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}
