//! What a person sees, on a terminal and in a file.

use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn screen(&self, terminal: bool) -> Screen {
        Screen::new(Box::new(self.clone()), terminal)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn steps_are_numbered_and_what_is_below_is_indented() {
    let paper = Paper::default();
    let mut screen = paper.screen(false);
    screen.step("One").unwrap();
    screen.say("a\n\n  b").unwrap();
    screen.step("Two").unwrap();
    screen.show("/ip/pool", "NAME\nx").unwrap();
    let text = paper.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[1].starts_with("1. One  ") && lines[1].ends_with("  0.0 s"),
        "{text}"
    );
    assert_eq!(lines[2..5], ["   a", "", "     b"]);
    assert!(lines[6].starts_with("2. Two"), "{text}");
    assert_eq!(lines[7..], ["", "   /ip/pool", "     NAME", "     x"]);
    assert!(
        screen.place().starts_with("step 2 (Two), 0.0 s"),
        "{}",
        screen.place()
    );
}

async fn later(after: Duration) -> anyhow::Result<u8> {
    tokio::time::sleep(after).await;
    Ok(7)
}

#[tokio::test(start_paused = true)]
async fn a_short_wait_leaves_no_trace_and_a_long_one_tells() {
    for (terminal, millis, wanted) in [
        (false, 1_900, ""),
        (true, 1_900, ""),
        (false, 6_900, "   … waiting for rain (2 s)\n"),
        (
            false,
            7_100,
            "   … waiting for rain (2 s)\n   … waiting for rain (7 s)\n",
        ),
        (
            true,
            3_100,
            "\r\x1b[2K   … waiting for rain (2 s)\r\x1b[2K   … waiting for rain (3 s)\r\x1b[2K",
        ),
    ] {
        let paper = Paper::default();
        let wait = later(Duration::from_millis(millis));
        let value = paper.screen(terminal).wait("rain", wait).await.unwrap();
        assert_eq!((value, paper.text().as_str()), (7, wanted));
    }
}

#[tokio::test(start_paused = true)]
async fn progress_is_one_line_on_a_terminal_and_a_few_elsewhere() {
    for (terminal, wanted) in [
        (
            true,
            "\r\x1b[2K   run 1\r\x1b[2K   run 2\r\x1b[2K   run 3\r\x1b[2K   done\n",
        ),
        (false, "   run 1\n   run 3\n   done\n"),
    ] {
        let paper = Paper::default();
        let mut screen = paper.screen(terminal);
        screen.progress("run 1").unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        screen.progress("run 2").unwrap();
        tokio::time::advance(Duration::from_secs(5)).await;
        screen.progress("run 3").unwrap();
        screen.say("done").unwrap();
        assert_eq!(paper.text(), wanted);
    }
}

#[tokio::test]
async fn what_went_wrong_comes_through() {
    let wrong = async { anyhow::Result::<()>::Err(anyhow::anyhow!("no rain")) };
    let error = Paper::default()
        .screen(true)
        .wait("rain", wrong)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no rain");
}
