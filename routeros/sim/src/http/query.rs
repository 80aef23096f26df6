//! Filters and projections: `?address=…&.proplist=…` of a GET, `.query` and `.proplist` of a POST.

mod word;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::row::Row;
use word::{Comparison, Word};

/// Which rows, and which of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Query {
    words: Vec<Word>,
    proplist: Option<Vec<String>>,
    /// `.id` is answered only where it was asked for.
    strict: bool,
}

impl Query {
    /// Reads a URL's query: only equality, all of it at once.
    pub(crate) fn of_url(query: &str) -> Self {
        let mut read = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decoded(key), decoded(value));
            if key == ".proplist" {
                read.proplist = Some(names(&value));
            } else {
                read.words.push(Word::Compare(key, Comparison::Equal, value));
            }
        }
        read
    }

    /// Reads a POST's `.query` and `.proplist`. `Err` holds a word that is none.
    pub(crate) fn of_body(object: &serde_json::Map<String, Value>) -> Result<Self, String> {
        let mut read = Self::default();
        match object.get(".proplist") {
            Some(Value::Array(list)) => {
                read.proplist = Some(
                    list.iter()
                        .filter_map(Value::as_str)
                        .map(ToOwned::to_owned)
                        .collect(),
                );
            }
            Some(Value::String(list)) => read.proplist = Some(names(list)),
            _ => {}
        }
        let words = object.get(".query").and_then(Value::as_array);
        for word in words.into_iter().flatten() {
            let parsed = word.as_str().and_then(Word::parse);
            read.words.push(parsed.ok_or_else(|| word.to_string())?);
        }
        Ok(read)
    }

    /// Whether a projection adds `.id` by itself.
    pub(crate) fn adding_id(mut self, adds: bool) -> Self {
        self.strict = !adds;
        self
    }

    /// The rows that match, cut to the keys asked for. A key that a row lacks matches nothing, not even an empty
    /// value: `?server=all` finds no lease.
    pub(crate) fn apply(&self, rows: Vec<Row>) -> Vec<Row> {
        rows.into_iter()
            .filter(|row| word::matches(&self.words, row))
            .map(|row| self.cut(row))
            .collect()
    }

    /// A row cut to the keys asked for.
    pub(crate) fn cut(&self, row: Row) -> Row {
        match &self.proplist {
            Some(names) => row.project(names, !self.strict),
            None => row,
        }
    }
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(ToOwned::to_owned).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
