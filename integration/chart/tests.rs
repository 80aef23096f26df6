//! What is made of Helm's output, without Helm.

use super::*;

#[test]
fn documents_lose_their_sources_and_nothing_else() {
    let rendered = "---\n# Source: tiklb/templates/a.yaml\n# The reason.\nkind: A\ndata: |\n  ---\n  # Source: is text here\n---\n# Source: tiklb/templates/b.yaml\n---\n# Source: tiklb/templates/c.yaml\n\nkind: C\n";
    assert_eq!(
        documents(rendered),
        [
            "# The reason.\nkind: A\ndata: |\n  ---\n  # Source: is text here\n",
            "kind: C\n"
        ]
    );
    assert_eq!(documents("\n\n"), [""; 0]);
}

#[test]
fn a_difference_shows_both_sides() {
    let shown = committed::difference("a\nb\nc\n", "a\nB\nc\n");
    assert!(shown.contains("-b") && shown.contains("+B"), "{shown}");
}
