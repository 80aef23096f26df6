//! A row as RouterOS shows it: keys and texts. Numbers, flags and times are texts too; nothing is null.

use std::collections::BTreeMap;
use std::fmt;

/// One row, keys in alphabetical order as in the manual's samples.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row(BTreeMap<String, String>);

impl Row {
    /// The value of `key`; an absent key is not an empty value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// `.id`; singletons have none.
    pub fn id(&self) -> Option<&str> {
        self.get(".id")
    }

    /// All keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// As the JSON object of an answer.
    pub fn json(&self) -> serde_json::Value {
        self.0
            .iter()
            .map(|(key, value)| (key.clone(), serde_json::Value::from(value.as_str())))
            .collect()
    }

    pub(crate) fn put(&mut self, key: &str, value: impl fmt::Display) {
        self.0.insert(key.to_owned(), value.to_string());
    }

    pub(crate) fn drop_key(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// The keys named, and `.id` where it is added by itself.
    pub(crate) fn project(&self, names: &[String], adds_id: bool) -> Row {
        let keep = |key: &String| (adds_id && key == ".id") || names.contains(key);
        Row(self
            .0
            .iter()
            .filter(|(key, _)| keep(key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Row {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Display for Row {
    /// As the console prints terse rows: `address=192.168.1.200 status=waiting`, the id first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (key, value) in self.iter() {
            let gap = if first { "" } else { " " };
            first = false;
            if value.is_empty() || value.contains(' ') {
                write!(f, "{gap}{key}={value:?}")?;
            } else {
                write!(f, "{gap}{key}={value}")?;
            }
        }
        Ok(())
    }
}
