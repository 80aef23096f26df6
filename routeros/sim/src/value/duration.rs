//! Durations: RouterOS reads `1800`, `90m`, `00:30:00` and `1d02:00:00`, and writes `1w2d3h4m5s`.

/// The units in the order in which they are written, in milliseconds.
const UNITS: [(&str, u64); 6] = [
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Milliseconds, or `None` where the text is no duration or does not fit.
pub(crate) fn parse(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<u64>().ok()?.checked_mul(1_000);
    }
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(clock) = parse_clock(rest) {
            return total.checked_add(clock);
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*millis)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// `hh:mm` or `hh:mm:ss`.
fn parse_clock(text: &str) -> Option<u64> {
    let parts: Vec<u64> = text.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes] => (hours, minutes, 0),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    let seconds = hours
        .checked_mul(3_600)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(seconds)?;
    seconds.checked_mul(1_000)
}

/// The form in rows: `30m`, `1h30m`, `1w2d3h4m5s`, `10ms`, and `0s` for nothing.
pub(crate) fn show(millis: u64) -> String {
    let mut parts = Vec::new();
    let mut rest = millis;
    for (unit, length) in UNITS {
        if rest >= length {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if parts.is_empty() {
        "0s".into()
    } else {
        parts.concat()
    }
}

/// As [`show`], from a time span, cut to whole seconds as rows have it.
pub(crate) fn show_span(span: std::time::Duration) -> String {
    show(span.as_secs().saturating_mul(1_000))
}

/// The console's form in messages: `00:00:10`, `1d00:00:00`, `7101w3d06:28:15`.
pub(crate) fn console(seconds: u64) -> String {
    let counted = |count: u64, unit: &str| {
        if count > 0 {
            format!("{count}{unit}")
        } else {
            String::new()
        }
    };
    let (weeks, days) = (
        counted(seconds / 604_800, "w"),
        counted(seconds / 86_400 % 7, "d"),
    );
    let (hours, minutes, seconds) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{weeks}{days}{hours:02}:{minutes:02}:{seconds:02}")
}
