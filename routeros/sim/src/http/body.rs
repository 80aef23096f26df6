//! An answer's body: JSON, with the liberties that a router's web server takes where they are switched on.

use std::convert::Infallible;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use serde_json::Value;

use crate::raw;

/// What is sent.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// A body whose length is told in advance, or one in chunks.
pub(crate) fn body(bytes: impl Into<Bytes>, chunked: bool) -> Body {
    let whole = Full::new(bytes.into());
    if chunked {
        // A mapped body does not know its length, which is what makes the server send chunks.
        whole.map_frame(|frame| frame).boxed()
    } else {
        whole.boxed()
    }
}

/// The value as JSON. With a seed, the keys of objects come in an order that follows from it.
pub(crate) fn json(value: &Value, seed: Option<u64>) -> Vec<u8> {
    let text = match seed {
        None => value.to_string(),
        Some(seed) => {
            let mut text = String::new();
            write(value, &mut Order(seed | 1), &mut text);
            text
        }
    };
    raw::bytes(&text)
}

/// A sequence of numbers that looks random and is the same for the same seed (xorshift64).
struct Order(u64);

impl Order {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn write(value: &Value, order: &mut Order, out: &mut String) {
    match value {
        Value::Object(object) => {
            let mut keys: Vec<(u64, &String)> = object.keys().map(|key| (order.next(), key)).collect();
            keys.sort_unstable();
            out.push('{');
            for (at, (_, key)) in keys.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(&object[key], order, out);
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for (at, item) in list.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, order, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}
