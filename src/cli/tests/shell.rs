//! A shell, a router, and a folder for files.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use routeros_sim::{Config, Lease, Menu, PASSWORD, Router};

/// Longer than any verb takes here on a machine that does something else.
pub(super) const PATIENCE: Duration = Duration::from_mins(3);

/// The name of the cluster whose rows the router holds in some tests.
pub(crate) const OWNER: &str = "tiklb/v1 home/1a2b3c4d";

/// What a verb printed.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A router and a person's files.
pub(crate) struct Desk {
    pub(crate) router: Router,
    folder: PathBuf,
}

impl Drop for Desk {
    fn drop(&mut self) {
        // What is left of a test that failed is of no use to the next.
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

impl Desk {
    pub(crate) async fn start(name: &str, config: Config) -> Self {
        let router = Router::start(config, "127.0.0.1:0".parse().unwrap(), None)
            .await
            .unwrap();
        let folder = std::env::temp_dir().join(format!("tiklb-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let desk = Self { router, folder };
        desk.file("password", &format!("{PASSWORD}\n"));
        desk.file("ca.crt", &desk.router.ca_pem().unwrap());
        desk
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.join(name), text).unwrap();
        self.path(name)
    }

    /// The flags that reach this router.
    pub(crate) fn account(&self) -> Vec<String> {
        let (password, ca) = (self.path("password"), self.path("ca.crt"));
        [
            "--username",
            "tiklb",
            "--password-file",
            &password,
            "--ca-file",
            &ca,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// A verb with the router's URL and the account behind it.
    pub(crate) async fn ask(&self, line: &str) -> Said {
        let mut arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let url = self.router.url();
        for word in &mut arguments {
            if word == "URL" {
                word.clone_from(&url);
            }
        }
        arguments.extend(self.account());
        self.run(&arguments, &[]).await
    }

    /// The real binary in the person's folder, with nothing of the surroundings.
    pub(super) fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiklb"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", &self.folder)
            .current_dir(&self.folder);
        command
    }

    /// Any command line. Nothing of the surroundings is there, no kubeconfig either, and no terminal.
    pub(crate) async fn run(&self, arguments: &[String], variables: &[(&str, &str)]) -> Said {
        let mut command = self.command(arguments);
        command
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let id = child.id();
        let done = tokio::task::spawn_blocking(move || child.wait_with_output());
        let Ok(output) = tokio::time::timeout(PATIENCE, done).await else {
            let process = nix::unistd::Pid::from_raw(i32::try_from(id).unwrap());
            nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL).unwrap();
            panic!("{arguments:?} did not end within {PATIENCE:?}");
        };
        let output = output.unwrap().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let said = Said {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(
            !said.err.contains(PASSWORD),
            "the password is on standard error: {}",
            said.err
        );
        said
    }

    /// The port is another at each start.
    pub(crate) fn plain(&self, text: &str) -> String {
        text.replace(&self.router.url(), "https://ROUTER")
    }

    /// Nothing was written, and nothing asked for that is none of ours.
    pub(crate) fn assert_untouched(&self) {
        let journal = self.router.journal();
        assert!(journal.writes.is_empty(), "{:#?}", journal.writes);
        self.assert_no_violation();
    }

    pub(crate) fn assert_no_violation(&self) {
        let violations = self.router.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// Compares with a file in `golden/`; with `TIKLB_UPDATE=1` the file is written anew.
pub(crate) fn assert_golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/cli/tests/golden")
        .join(name);
    if std::env::var_os("TIKLB_UPDATE").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "{name} differs: look at it, then TIKLB_UPDATE=1");
}

/// The router of a cluster that is gone: its pool is cut, our rows stand on it, and others' beside them.
pub(crate) fn held() -> Config {
    held_by("home/1a2b3c4d")
}

/// The same, of another cluster.
pub(crate) fn held_by(owner: &str) -> Config {
    let mark = format!("tiklb/v1 {owner}");
    let (web, took) = (
        format!("{mark} default/web"),
        format!("{mark} holds lan; took 192.168.1.200-192.168.1.220 from dhcp_pool"),
    );
    let lease = |last: u8, comment: &str| {
        let mac = format!("02:4C:C0:A8:01:{last:02X}").parse().unwrap();
        let lease = Lease::fixed(std::net::Ipv4Addr::new(192, 168, 1, last), mac);
        lease.server("defconf").comment(comment)
    };
    Config::default()
        .change(
            Menu::Pool,
            "dhcp_pool",
            "ranges",
            "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254",
        )
        .row(
            Menu::Pool,
            [
                ("name", "tiklb-home-lan"),
                ("ranges", "192.168.1.200-192.168.1.220"),
                ("comment", &took),
            ],
        )
        .row(Menu::Arp, arp("192.168.1.200", &web))
        .row(Menu::Arp, arp("192.168.1.30", "camera"))
        .lease(lease(200, &format!("{mark} default/web | Anna's \"tv\"")))
        .lease(lease(201, &format!("{mark} media/photos")))
        .lease(lease(20, "nas"))
        .lease(lease(210, "printer"))
}

/// A disabled row, to be seen by a person.
fn arp<'a>(address: &'a str, comment: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("address", address),
        ("mac-address", "48:A9:8A:01:00:01"),
        ("interface", "bridge"),
        ("disabled", "yes"),
        ("comment", comment),
    ]
}
