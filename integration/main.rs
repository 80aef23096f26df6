//! `lab`: demo, stories and benches from a shell.

fn main() -> std::process::ExitCode {
    lab::cli::run()
}
