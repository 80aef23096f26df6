//! The faults by name, for the command line and the admin surface.

use std::time::Duration;

use hyper::StatusCode;

use super::{FailingWrites, Faults};
use crate::router::locked;
use crate::switch::{NameError, Named, shown, span, unknown, yes_no};
use crate::tls::Certificate;

/// What a fault does with the value that it was given.
enum Turn {
    Unreachable,
    Time(fn(&Faults, Duration)),
    Reads,
    Writes(fn() -> FailingWrites),
    Certificate,
}

struct Fault {
    name: &'static str,
    does: &'static str,
    turn: Turn,
}

const FAULTS: [Fault; 12] = [
    Fault {
        name: "unreachable",
        does: "connections are refused, living ones are dropped",
        turn: Turn::Unreachable,
    },
    Fault {
        name: "delay",
        does: "each answer is held back for so long after the request was carried out",
        turn: Turn::Time(Faults::delay),
    },
    Fault {
        name: "delay-per-row",
        does: "each row of a list makes its answer so much later",
        turn: Turn::Time(Faults::delay_per_row),
    },
    Fault {
        name: "work",
        does: "each request is carried out only after so long, also when its client has gone",
        turn: Turn::Time(Faults::work),
    },
    Fault {
        name: "confuse-after-abort",
        does: "for so long after an abandoned request others are reset or get a foreign answer",
        turn: Turn::Time(Faults::confuse_after_abort),
    },
    Fault {
        name: "fail-reads",
        does: "so many reads are answered 500",
        turn: Turn::Reads,
    },
    Fault {
        name: "fail-writes",
        does: "so many writes are answered 500 and not carried out",
        turn: Turn::Writes(FailingWrites::before_applying),
    },
    Fault {
        name: "fail-applied-writes",
        does: "so many writes are carried out and answered 500",
        turn: Turn::Writes(FailingWrites::after_applying),
    },
    Fault {
        name: "refuse-applied-writes",
        does: "so many writes are carried out and answered 400",
        turn: Turn::Writes(|| {
            FailingWrites::after_applying().answering(StatusCode::BAD_REQUEST, "update canceled")
        }),
    },
    Fault {
        name: "lose-writes",
        does: "so many writes are neither carried out nor answered",
        turn: Turn::Writes(|| FailingWrites::before_applying().lost()),
    },
    Fault {
        name: "lose-answers",
        does: "so many writes are carried out and not answered",
        turn: Turn::Writes(|| FailingWrites::after_applying().lost()),
    },
    Fault {
        name: "certificate",
        does: "another certificate, for new connections",
        turn: Turn::Certificate,
    },
];

const CERTIFICATES: [(&str, Certificate); 8] = [
    ("right", Certificate::Right),
    ("no-names", Certificate::NoNames),
    ("wrong-name", Certificate::WrongName),
    ("expired", Certificate::Expired),
    ("self-signed", Certificate::SelfSigned),
    ("self-signed-ca", Certificate::SelfSignedCa),
    ("rotated", Certificate::Rotated),
    ("other-ca", Certificate::OtherCa),
];
const CERTIFICATE_NAMES: &str =
    "right, no-names, wrong-name, expired, self-signed, self-signed-ca, rotated or other-ca";

impl Turn {
    fn takes(&self) -> &'static str {
        match self {
            Turn::Unreachable => "yes or no",
            Turn::Time(_) => "a time such as 300ms or 2s, 0s for none",
            Turn::Reads | Turn::Writes(_) => "a number",
            Turn::Certificate => CERTIFICATE_NAMES,
        }
    }
}

impl std::str::FromStr for Certificate {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = CERTIFICATES.iter().find(|(name, _)| *name == text);
        named
            .map(|(_, certificate)| *certificate)
            .ok_or_else(|| unknown("certificate", text, CERTIFICATES.iter().map(|(name, _)| *name)))
    }
}

impl Faults {
    /// The faults that [`Faults::turn`] knows: name, what it takes, what it does.
    pub fn known() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        FAULTS
            .iter()
            .map(|fault| (fault.name, fault.turn.takes(), fault.does))
    }

    /// Turns the fault called `name`. A count of failing writes adds to those that are on already, and 0 takes all of
    /// them back.
    ///
    /// # Errors
    /// Where there is no such fault, it does not take this value, or a certificate cannot be presented.
    pub fn turn(&self, name: &str, value: &str) -> Result<(), NameError> {
        let fault = FAULTS
            .iter()
            .find(|fault| fault.name == name)
            .ok_or_else(|| unknown("fault", name, FAULTS.iter().map(|fault| fault.name)))?;
        let wrong = || NameError::Value {
            name: fault.name,
            value: value.to_owned(),
            takes: fault.turn.takes(),
        };
        let number = || value.parse::<u32>().map_err(|_| wrong());
        match fault.turn {
            Turn::Unreachable => self.unreachable(crate::value::flag(value).ok_or_else(wrong)?),
            Turn::Time(set) => set(self, span(value).ok_or_else(wrong)?),
            Turn::Reads => self.fail_reads(number()?),
            Turn::Writes(failing) => match number()? {
                0 => self.mend_writes(),
                times => self.fail_writes(failing().times(times)),
            },
            Turn::Certificate => {
                let certificate = value.parse().map_err(|_| wrong())?;
                let presented = self.certificate(certificate);
                presented.map_err(|source| NameError::Refused {
                    name: fault.name,
                    source,
                })?;
            }
        }
        Ok(())
    }

    /// Everything works again. The certificate stays.
    pub fn mend(&self) {
        self.unreachable(false);
        for time in [
            Faults::delay,
            Faults::delay_per_row,
            Faults::work,
            Faults::confuse_after_abort,
        ] {
            time(self, Duration::ZERO);
        }
        self.fail_reads(0);
        self.mend_writes();
    }

    /// Every fault and how it stands. Failing writes are one list: all their names show how many are left in it.
    pub fn named(&self) -> Vec<Named> {
        let state = locked(&self.shared.faults);
        let writes: u32 = state
            .failing
            .iter()
            .map(|failing| failing.times)
            .fold(0, u32::saturating_add);
        let value = |fault: &Fault| match (&fault.turn, fault.name) {
            (Turn::Unreachable, _) => yes_no(state.unreachable).to_owned(),
            (Turn::Reads, _) => state.failing_reads.to_string(),
            (Turn::Writes(_), _) => writes.to_string(),
            (Turn::Time(_), "delay") => shown(state.delay),
            (Turn::Time(_), "delay-per-row") => shown(state.per_row),
            (Turn::Time(_), "work") => shown(state.work),
            (Turn::Time(_), _) => shown(state.confusion.lasts),
            (Turn::Certificate, _) => {
                let presented = self.shared.tls.as_ref().map(crate::tls::Tls::kind);
                let named = CERTIFICATES.iter().find(|(_, kind)| Some(*kind) == presented);
                named.map_or_else(String::new, |(name, _)| (*name).to_owned())
            }
        };
        let told = |fault: &Fault| Named {
            name: fault.name,
            takes: fault.turn.takes(),
            does: fault.does,
            value: value(fault),
        };
        FAULTS.iter().map(told).collect()
    }
}
