//! The bytes of a whole frame, of either protocol, without a heap.

use std::fmt;
use std::ops::Deref;

use super::ndp;

/// A whole frame, ready for a packet socket: at most [`Frame::MOST`] bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Zero behind `length`, so that equal frames are equal values.
    bytes: [u8; Self::MOST],
    length: u8,
}

impl Frame {
    /// The longest frame that is built here: a solicitation or an advertisement with a link-layer address.
    pub const MOST: usize = ndp::FRAME_LENGTH;

    /// A frame with these bytes; what does not fit is cut off.
    pub fn new(content: &[u8]) -> Self {
        let mut bytes = [0; Self::MOST];
        let mut length: u8 = 0;
        for (to, from) in bytes.iter_mut().zip(content) {
            *to = *from;
            length += 1;
        }
        Self { bytes, length }
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&self.bytes)
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Frame {
    fn eq(&self, other: &[u8; N]) -> bool {
        **self == *other
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", &**self)
    }
}
