//! Where texts are cut.

use super::*;

#[test]
fn a_text_is_cut_between_characters_and_shows_it() {
    assert_eq!(excerpt("häuser", 6), "häuser");
    assert_eq!(excerpt("häusern", 6), "häuse…");
    assert_eq!(excerpt("ä".repeat(1 << 18), NAME).chars().count(), NAME);
    assert_eq!(excerpt("", 0), "");
}
