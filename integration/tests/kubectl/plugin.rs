//! tiklb as `kubectl tiklb`: found by its name, shown under it, and with exit codes that come through.

use std::path::Path;

use anyhow::ensure;

use crate::person::Person;

pub(crate) fn tiklb_is_a_plugin_of_kubectl(person: &Person) -> anyhow::Result<()> {
    let crds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/crds");
    person.kubectl(&format!("apply -f {}", crds.display()))?;
    person.on_file("apply", "service.yaml")?;
    let (code, text) = person.with_plugins("tiklb --help")?;
    ensure!(
        code != Some(0) && text.contains("unknown command \"tiklb\""),
        "a plugin that is not installed: {code:?} {text}"
    );

    let link = person.install_plugin()?.display().to_string();
    let told: [(&str, i32, &[&str]); 6] = [
        ("plugin list", 0, &[&link]),
        (
            "tiklb --help",
            0,
            &["Usage: kubectl tiklb <COMMAND>", "doctor", "explain"],
        ),
        (
            "tiklb explain service home/web",
            2,
            &["Service home/web waits for an address"],
        ),
        (
            "tiklb explain service home/none",
            1,
            &["there is no Service home/none"],
        ),
        (
            "tiklb doctor",
            2,
            &[
                "(NoAdvertisement)",
                "(NoLeader)",
                "helm install tiklb deploy/chart",
            ],
        ),
        ("tiklb explian", 2, &["Usage: kubectl tiklb", "'explain'"]),
    ];
    for (line, wanted, words) in told {
        let (code, text) = person.with_plugins(line)?;
        ensure!(code == Some(wanted), "kubectl {line} ends with {code:?}: {text}");
        for word in words {
            ensure!(text.contains(word), "no {word} from kubectl {line}: {text}");
        }
    }
    person.is_understood()
}
