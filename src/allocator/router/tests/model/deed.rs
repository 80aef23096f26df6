//! What can happen.

use super::dice::Dice;

/// One thing that happens; then some time goes by.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// A Service appears, or goes if it is there.
    Service(u8),
    /// A Service appears that asks for the address of a client, or for this one, or goes if it is there.
    Ask(u8),
    /// A node answers for a Service.
    Announce(u8, u8),
    /// The `IPAddressPool` holds .200 to here; `None`: it is deleted.
    Pool(Option<u8>),
    /// A second one holds .230 to .234, or goes.
    SecondPool(bool),
    /// An address of the pool is reserved for a Service, under another note if it is already.
    Reserve(u8, u8),
    /// It is not any more.
    Unreserve(u8),
    /// The object's mode.
    Mode(&'static str),
    /// The object is deleted by a person, and made again when it is gone.
    Replace,
    /// Its definition is pruned, and applied again: the status is lost.
    Prune,
    /// A person's word for what waits.
    Confirm,
    /// A person in Winbox.
    Person(Edit),
    /// The same between the look at a row and the write to it.
    Meanwhile(Edit),
    /// A device takes an address that the router would give it.
    Device(u8),
    /// Time goes by, and that is all.
    Pass,
    /// Much time goes by.
    Wait,
    /// A write is refused with 500, or carried out and answered so.
    FailWrite(bool),
    /// The router cannot be reached for a while.
    Cut,
    /// It goes away in mid-write: the answer is lost.
    CutInWrite,
    /// It restarts.
    Reboot,
    /// Another leader takes over, after an end or without one.
    Leader(bool),
    /// Another leader takes over while a request to the router is under way.
    LeaderMidway,
    /// No survey is made for a while, or one is again.
    Survey(bool),
    /// A person works in Safe Mode for a while, and leaves it or loses the session: then all since is undone.
    SafeMode(bool),
}

/// What a person does on the router.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// The pool is what it was at first.
    PoolWhole,
    /// The pool is something else: from, to.
    PoolOther(u8, u8),
    /// The pool has another name, the server still uses it.
    PoolRename,
    /// A lease of ours goes.
    LeaseRemove,
    /// One is switched off.
    LeaseDisable,
    /// One gets a note behind our mark.
    LeaseNote,
    /// A static lease for a device, perhaps in the range.
    LeaseForeign(u8),
    /// An ARP row of ours goes.
    ArpRemove,
    /// Our pool row goes.
    OwnPoolRemove,
    /// Somebody else's row that looks like ours.
    Lookalike(u8),
}

impl Deed {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        match dice.below(49) {
            0..=7 => Self::Service(dice.byte(0, 5)),
            8..=9 => Self::Announce(dice.byte(0, 5), dice.byte(1, 3)),
            10 => Self::Pool((!dice.one_in(3)).then(|| dice.byte(202, 220))),
            11 => Self::SecondPool(dice.one_in(2)),
            12 => Self::Mode(dice.one(&["Enforce", "DryRun", "Paused"])),
            13 => Self::Replace,
            14 => Self::Prune,
            15 => Self::Confirm,
            16..=20 => Self::Person(Edit::draw(dice)),
            21..=22 => Self::Meanwhile(Edit::draw(dice)),
            23..=25 => Self::Device(dice.byte(0, 200)),
            26..=27 => Self::Pass,
            28..=29 => Self::Wait,
            30..=31 => Self::FailWrite(dice.one_in(2)),
            32 => Self::Cut,
            33..=34 => Self::CutInWrite,
            35 => Self::Reboot,
            36 => Self::Leader(dice.one_in(2)),
            37..=38 => Self::LeaderMidway,
            39..=41 => Self::Ask(dice.byte(200, 220)),
            42 => Self::Survey(dice.one_in(2)),
            43..=44 => Self::SafeMode(dice.one_in(2)),
            45..=47 => Self::Reserve(dice.byte(0, 6), dice.byte(0, 5)),
            _ => Self::Unreserve(dice.byte(0, 6)),
        }
    }
}

impl Edit {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(12) {
            0..=1 => Self::PoolWhole,
            2 => Self::PoolOther(dice.byte(50, 150), dice.byte(160, 250)),
            3 => Self::PoolRename,
            4 => Self::LeaseRemove,
            5 => Self::LeaseDisable,
            6 => Self::LeaseNote,
            7..=8 => Self::LeaseForeign(dice.byte(150, 225)),
            9 => Self::ArpRemove,
            10 => Self::OwnPoolRemove,
            _ => Self::Lookalike(dice.byte(150, 225)),
        }
    }
}
