//! What is logged, how it looks, and that a slow reader stops nobody.

use std::sync::mpsc::{Receiver, Sender, channel};

/// A log that is written nowhere, for tests of what shows one.
pub(in crate::observe) fn to_nowhere() -> (Dispatch, Log) {
    compose("info", Format::Text, false, std::io::sink()).unwrap()
}

use super::queue::ROOM;
use super::*;

/// An output that can be read back.
#[derive(Debug, Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An output that takes nothing before it is told to, and says when somebody wants to write.
struct Stuck {
    page: Page,
    wants: Sender<()>,
    go: Receiver<()>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.wants.send(());
        let _ = self.go.recv();
        self.page.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(level: &str, format: Format, talk: impl FnOnce()) -> String {
    let page = Page::default();
    let (dispatch, log) = compose(level, format, false, page.clone()).unwrap();
    tracing::dispatcher::with_default(&dispatch, talk);
    log.flush();
    page.text()
}

fn talk() {
    tracing::error!("an error");
    tracing::warn!("a warning");
    tracing::info!("an information");
    tracing::debug!("a detail");
    tracing::trace!("a trace");
    tracing::debug!(target: "hyper::proto", "a library's detail");
    tracing::trace!(target: "hyper::proto", "a library's trace");
    tracing::debug!(target: "routeros::client", "a request");
}

#[test]
fn metallbs_words_are_levels() {
    let lines = [
        "an error",
        "a warning",
        "an information",
        "a detail",
        "a trace",
        "a library's detail",
        "a library's trace",
        "a request",
    ];
    for (level, expected) in [
        ("none", vec![]),
        ("error", vec![0]),
        ("warn", vec![0, 1]),
        ("info", vec![0, 1, 2]),
        ("INFO ", vec![0, 1, 2]),
        ("debug", vec![0, 1, 2, 3, 7]),
        ("all", vec![0, 1, 2, 3, 4, 5, 7]),
        ("trace,hyper=off", vec![0, 1, 2, 3, 4, 7]),
        ("error,hyper=trace", vec![0, 5, 6]),
        ("off,tiklb::observe=warn", vec![0, 1]),
    ] {
        let text = logged(level, Format::Text, talk);
        let seen: Vec<usize> = (0..lines.len()).filter(|i| text.contains(lines[*i])).collect();
        assert_eq!(seen, expected, "{level}:\n{text}");
    }
}

#[test]
fn what_is_no_level_is_refused_with_words() {
    for (text, why) in [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("verbose", "\"verbose\" is neither a level nor target=level"),
        ("inof,tiklb=debug", "\"inof\" is neither a level nor target=level"),
        ("info,,warn", "\"\" is neither a level nor target=level"),
        ("tiklb=loud", "error parsing level filter"),
        ("info,[span{", "invalid filter directive"),
    ] {
        let error = filter::parse(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text:?}: {error}");
        assert!(
            error.contains("write all, debug, info, warn, error or none"),
            "{error}"
        );
    }
    let long = filter::parse(&"x".repeat(2_000)).unwrap_err().to_string();
    assert!(long.len() < 300 && long.contains("1,024"), "{long}");
}

#[test]
fn a_level_changes_while_the_process_runs() {
    let page = Page::default();
    let (dispatch, log) = compose("info", Format::Text, false, page.clone()).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::debug!("before");
        log.set_level(" debug\n").unwrap();
        assert_eq!(log.level(), "debug");
        tracing::debug!("after");
        log.set_level("loud").unwrap_err();
        assert_eq!(log.level(), "debug");
        tracing::debug!("and still");
        log.set_level("none").unwrap();
        tracing::error!("no more");
    });
    log.flush();
    let text = page.text();
    assert!(!text.contains("before") && !text.contains("no more"), "{text}");
    assert!(text.contains("after") && text.contains("and still"), "{text}");
}

#[test]
fn json_is_one_object_a_line() {
    let text = logged("info", Format::Json, || {
        tracing::info!(service = "default/web", "it has\n\"192.0.2.1\"");
        tracing::warn!("second");
    });
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["message"], "it has\n\"192.0.2.1\"");
    assert_eq!(lines[0]["service"], "default/web");
    assert_eq!(lines[0]["level"], "INFO");
    assert_eq!(lines[0]["target"], "tiklb::observe::log::tests");
    assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn colour_is_for_terminals() {
    let plain = logged("info", Format::Text, || tracing::info!("plain"));
    assert!(!plain.contains('\x1b'), "{plain:?}");
    let page = Page::default();
    let (dispatch, log) = compose("info", Format::Text, true, page.clone()).unwrap();
    tracing::dispatcher::with_default(&dispatch, || tracing::info!("coloured"));
    log.flush();
    assert!(page.text().contains('\x1b'));
}

#[test]
fn a_reader_that_stands_still_stops_nobody() {
    for format in [Format::Text, Format::Json] {
        let page = Page::default();
        let (wants, wanted) = channel();
        let (go, gone) = channel();
        let stuck = Stuck {
            page: page.clone(),
            wants,
            go: gone,
        };
        let (dispatch, log) = compose("info", format, false, stuck).unwrap();
        let long = "x".repeat(1_000);
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!("the first");
            wanted.recv().unwrap();
            // From here on nothing is read, and more is logged than there is room for.
            for _ in 0..2 * ROOM / long.len() {
                tracing::info!("{long}");
            }
        });
        let dropped = log.dropped();
        assert!(dropped > 0);
        drop(go);
        log.flush();
        let text = page.text();
        let kept = text.matches(&long).count() as u64;
        assert_eq!(kept + dropped, 2 * (ROOM / long.len()) as u64);
        let last = text.lines().next_back().unwrap();
        let missing = format!("standard output was too slow: {dropped} lines are missing here");
        assert!(last.contains(&missing), "{last}");
        if format == Format::Json {
            let line: serde_json::Value = serde_json::from_str(last).unwrap();
            assert_eq!(line["level"], "WARN");
        }
    }
}

#[test]
fn a_flush_does_not_wait_for_ever() {
    let (wants, _wanted) = channel();
    let (_go, gone) = channel();
    let stuck = Stuck {
        page: Page::default(),
        wants,
        go: gone,
    };
    let (dispatch, log) = compose("info", Format::Text, false, stuck).unwrap();
    tracing::dispatcher::with_default(&dispatch, || tracing::info!("nobody reads this"));
    let start = std::time::Instant::now();
    log.flush();
    assert!(start.elapsed() < std::time::Duration::from_secs(30));
}

#[test]
fn the_thread_ends_with_its_log() {
    let (wants, wanted) = channel();
    let (go, gone) = channel();
    let stuck = Stuck {
        page: Page::default(),
        wants,
        go: gone,
    };
    drop(compose("info", Format::Text, false, stuck).unwrap());
    drop(go);
    // The thread owned the sender: it is gone, and the output with it.
    assert!(wanted.recv().is_err());
}

#[test]
fn formats_are_read_back() {
    for format in [Format::Text, Format::Json] {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    assert_eq!(
        "xml".parse::<Format>(),
        Err("\"xml\" is no log format: write text or json".to_owned())
    );
}

/// The one test that begins the process's own log, with a level that keeps all others' quiet.
#[test]
fn a_process_has_one_log() {
    assert!(matches!(start("loud", Format::Text), Err(StartError::Level(_))));
    let log = start("none", Format::Json).unwrap();
    assert_eq!(log.level(), "none");
    assert!(matches!(start("none", Format::Json), Err(StartError::Twice(_))));
    log.set_level("off").unwrap();
}
