//! `lab`: demo, stories and benches from a shell.

fn main() -> anyhow::Result<()> {
    Ok(())
}
