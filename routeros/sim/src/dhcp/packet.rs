//! Reads a DHCP message off the wire, and lets the parser see only what the server asks for.
//!
//! dhcproto panics on some options that any host on a LAN may send (a static route with a prefix above 32, a rapid
//! commit with a length). So the options are walked here first, and those that the server does not read are left out.

use dhcproto::v4::{MAGIC, Message};
use dhcproto::{Decodable, Decoder};

/// The fixed part and the magic cookie (RFC 2131, section 2).
const HEADER: usize = 240;
/// Where the cookie stands.
const COOKIE: std::ops::Range<usize> = 236..HEADER;

const PAD: u8 = 0;
const END: u8 = 255;

/// A message; `None` where it is cut short, has no cookie or no options that can be walked.
pub(crate) fn decode(bytes: &[u8]) -> Option<Message> {
    let (header, mut rest) = bytes.split_at_checked(HEADER)?;
    if header.get(COOKIE)? != MAGIC {
        return None;
    }
    let mut screened = header.to_vec();
    let mut seen = [false; 256];
    loop {
        // A message may end without an end mark; one cut within an option is malformed.
        match rest {
            [] | [END, ..] => break,
            [PAD, tail @ ..] => rest = tail,
            [code, length, tail @ ..] => {
                let (value, tail) = tail.split_at_checked(usize::from(*length))?;
                if is_read(*code, value) && !std::mem::replace(&mut seen[usize::from(*code)], true) {
                    screened.extend([*code, *length]);
                    screened.extend(value);
                }
                rest = tail;
            }
            [_] => return None,
        }
    }
    screened.push(END);
    Message::decode(&mut Decoder::new(&screened)).ok()
}

/// Whether the server reads this option, and it has the form that its type asks for.
fn is_read(code: u8, value: &[u8]) -> bool {
    match code {
        // Host name.
        12 => std::str::from_utf8(value).is_ok(),
        // Requested address, server identifier.
        50 | 54 => value.len() == 4,
        // Message type.
        53 => value.len() == 1,
        // Class, client identifier.
        60 | 61 => !value.is_empty(),
        _ => false,
    }
}
