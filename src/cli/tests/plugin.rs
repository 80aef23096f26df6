//! The program as kubectl's plugin: a link to it under the name that kubectl looks for.

use std::process::Command;

#[test]
fn a_link_named_kubectl_tiklb_is_the_plugin() {
    let folder = std::env::temp_dir().join(format!("tiklb-plugin-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let link = folder.join("kubectl-tiklb");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tiklb"), &link).unwrap();
    let ask = |arguments: &[&str]| Command::new(&link).args(arguments).env_clear().output().unwrap();
    let help = ask(&["explain", "--help"]);
    let typo = ask(&["explian"]);
    let version = ask(&["--version"]);
    std::fs::remove_dir_all(&folder).unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("Usage: kubectl tiklb explain <COMMAND>"), "{text}");
    assert!(text.contains("tiklb explain service apps/web"), "{text}");
    let text = String::from_utf8(typo.stderr).unwrap();
    assert_eq!(typo.status.code(), Some(2), "{text}");
    assert!(
        text.contains("'explain'") && text.contains("kubectl tiklb"),
        "{text}"
    );
    assert!(version.status.success());
}
