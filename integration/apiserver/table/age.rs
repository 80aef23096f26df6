//! Ages as kubectl writes them: `k8s.io/apimachinery/pkg/util/duration.HumanDuration`.

use jiff::Timestamp;
use serde_json::Value;

/// How long ago a timestamp of the API was; `<unknown>` where there is none.
pub(super) fn since(timestamp: &Value) -> String {
    let Some(text) = timestamp.as_str() else {
        return "<unknown>".to_owned();
    };
    text.parse::<Timestamp>().map_or_else(
        |_| "<invalid>".to_owned(),
        |then| human(Timestamp::now().duration_since(then).as_secs()),
    )
}

/// Two or three significant figures of a number of seconds.
pub(super) fn human(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let two = |whole: i64, unit: &str, part: i64, part_unit: &str| {
        if part == 0 {
            format!("{whole}{unit}")
        } else {
            format!("{whole}{unit}{part}{part_unit}")
        }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..=0 => "0s".to_owned(),
        1..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}
