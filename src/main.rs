//! The one binary: allocator, speaker and the person's verbs.

fn main() -> anyhow::Result<()> {
    Ok(())
}
