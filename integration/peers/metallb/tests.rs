//! What the go command says of a module.

use super::*;

#[test]
fn version_and_folder_are_read_and_a_module_that_is_not_there_is_told() {
    let (version, folder) = read("v0.15.2 /a/b c/metallb@v0.15.2\n").unwrap();
    assert_eq!(
        (version.as_str(), folder),
        ("v0.15.2", "/a/b c/metallb@v0.15.2".into())
    );
    // So it answers for a module that was never fetched.
    let why = read("v0.15.2 \n").unwrap_err().to_string();
    assert!(why.contains("lab -- cluster build"), "{why}");
}
