//! The one binary: allocator, speaker and the person's verbs.

fn main() -> std::process::ExitCode {
    tiklb::cli::run()
}
