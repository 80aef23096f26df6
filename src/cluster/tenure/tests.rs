//! Warrants, and when they end.

use super::*;

#[test]
fn a_warrant_stands_while_its_own_leadership_does() {
    let tenure = Tenure::default();
    let first = tenure.begin(Moment::now().after(Duration::from_mins(1)));
    let warrant = tenure.warrant(first);
    assert!(warrant.stands());
    assert!(warrant.left() <= Duration::from_mins(1));
    tenure.end();
    assert!(!warrant.stands());
    let second = tenure.begin(Moment::now().after(Duration::from_mins(1)));
    assert!(
        !warrant.stands(),
        "what the first one left over is not the second one's"
    );
    assert!(tenure.warrant(second).stands());
}

#[test]
fn a_warrant_ends_by_the_clock_though_nobody_says_so() {
    let tenure = Tenure::default();
    let warrant = tenure.warrant(tenure.begin(Moment::now()));
    assert!(!warrant.stands());
    tenure.extend(Moment::now().after(Duration::from_mins(1)));
    assert!(
        warrant.stands(),
        "it was renewed after all: nobody else led meanwhile"
    );
    assert_eq!(Warrant::unlimited().left(), Duration::MAX);
}
