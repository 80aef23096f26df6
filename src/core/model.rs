//! Values that two or more rooms share. No decisions here.

pub mod echo;
pub mod excerpt;
pub mod family;
mod few;
pub mod object;
pub mod range;
pub mod selector;
pub mod service;
pub mod time;

pub use echo::Question;
pub use excerpt::excerpt;
pub use family::Family;
pub use few::Few;
pub use object::{Labels, NodeName, ObjectKey, Uid};
pub use pnet_base::MacAddr;
pub use range::{AddressRange, RangeSet};
pub use selector::LabelSelector;
pub use time::{Instant, Now, Timestamp};
