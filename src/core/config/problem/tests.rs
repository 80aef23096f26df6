//! What is said of routers without reading them.

use crate::config::Config;
use crate::reservation::tests::paper::{object, spec};

#[test]
fn a_router_object_that_cannot_be_read_or_asks_for_more_is_a_problem() {
    let mut unsupported = spec();
    unsupported.unsupported = vec!["spec.metrics".to_owned()];
    let mut unread = object(spec());
    unread.spec = Err("spec.url: an empty text".to_owned());
    for (router, words) in [
        (object(spec()), None),
        (object(unsupported), Some("spec.metrics")),
        (unread, Some("spec.url: an empty text")),
    ] {
        let said: Vec<String> = Config::new(&[], &[], &[router])
            .problems
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(said.len(), usize::from(words.is_some()), "{said:?}");
        assert!(words.is_none_or(|words| said[0].contains(words)), "{said:?}");
    }
}
