//! The `JSONPath` of printer columns: `.a.b`, `.a[*].b`, `.a['x']`, `.a[0]`, `.a[?(@.type=="X")].b`.

use serde_json::Value;

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
    Every,
    Where(Vec<String>, String),
}

impl Path {
    /// Reads a path; the error says what is not understood.
    pub(crate) fn parse(path: &str) -> Result<Self, String> {
        let mut rest = path;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) =
                next_step(rest).ok_or_else(|| format!("JSONPath {path:?} is not understood at {rest:?}"))?;
            steps.push(step);
            rest = after;
        }
        Ok(Self(steps))
    }

    /// The first value that the path leads to.
    pub(crate) fn first<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        let mut found = vec![root];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| step.apply(value)).collect();
        }
        found.into_iter().next()
    }
}

impl Step {
    fn apply<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let list = value.as_array().map_or(&[][..], Vec::as_slice);
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => list.get(*index).into_iter().collect(),
            Self::Every => list
                .iter()
                .chain(value.as_object().into_iter().flat_map(|fields| fields.values()))
                .collect(),
            Self::Where(path, wanted) => list
                .iter()
                .filter(|item| {
                    path.iter().fold(*item, |value, name| &value[name.as_str()]) == wanted.as_str()
                })
                .collect(),
        }
    }
}

fn next_step(rest: &str) -> Option<(Step, &str)> {
    if let Some(after) = rest.strip_prefix('.') {
        let (name, after) = field_name(after);
        return (!name.is_empty()).then_some((Step::Field(name), after));
    }
    let inner = rest.strip_prefix('[')?;
    if let Some(filter) = inner.strip_prefix("?(@.") {
        let (condition, after) = filter.split_once(")]")?;
        let (path, wanted) = condition.split_once("==")?;
        let names = path.trim().split('.').map(str::to_owned).collect();
        return Some((Step::Where(names, unquoted(wanted.trim())?.to_owned()), after));
    }
    let (inner, after) = inner.split_once(']')?;
    if inner == "*" {
        return Some((Step::Every, after));
    }
    let step = unquoted(inner).map(|name| Step::Field(name.replace("\\.", ".")));
    let step = step.or_else(|| inner.parse().ok().map(Step::Index))?;
    Some((step, after))
}

/// A name up to the next unescaped dot or bracket.
fn field_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
            '.' | '[' => return (name, &text[at..]),
            _ => name.push(letter),
        }
    }
    (name, "")
}

fn unquoted(text: &str) -> Option<&str> {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\''))
}
