//! Whether a program needs a loader: `PT_INTERP` among its ELF program headers (elf(5)).

use anyhow::{Context as _, Result, ensure};

/// `ELFCLASS64` and `ELFDATA2LSB`, as on every architecture that tiklb is built for.
const KIND: [u8; 6] = *b"\x7fELF\x02\x01";
/// `e_phoff`, `e_phentsize` and `e_phnum` of the file's header.
const HEADERS: usize = 32;
const HEADER_SIZE: usize = 54;
const HEADER_COUNT: usize = 56;
/// `p_type` of the header that names a loader; `p_offset` and `p_filesz` of any.
const INTERPRETER: u32 = 3;
const OFFSET: usize = 8;
const LENGTH: usize = 32;

/// The loader that a program asks for; `None` for a static one.
///
/// # Errors
/// It is no 64-bit little-endian ELF file, or is cut off.
pub fn interpreter(program: &[u8]) -> Result<Option<String>> {
    ensure!(
        program.starts_with(&KIND),
        "it is no 64-bit little-endian ELF file"
    );
    let (first, size, count) = (
        long(program, HEADERS)?,
        short(program, HEADER_SIZE)?,
        short(program, HEADER_COUNT)?,
    );
    for number in 0..count {
        let header = first + number * size;
        let kind = bytes::<4>(program, header)?;
        if u32::from_le_bytes(kind) != INTERPRETER {
            continue;
        }
        let (offset, length) = (long(program, header + OFFSET)?, long(program, header + LENGTH)?);
        let path = offset
            .checked_add(length)
            .and_then(|end| program.get(offset..end))
            .context("the program is cut off")?;
        let path = path.strip_suffix(b"\0").unwrap_or(path);
        return Ok(Some(String::from_utf8_lossy(path).into_owned()));
    }
    Ok(None)
}

fn bytes<const N: usize>(program: &[u8], at: usize) -> Result<[u8; N]> {
    let found = at.checked_add(N).and_then(|end| program.get(at..end));
    Ok(found.context("the program is cut off")?.try_into()?)
}

fn short(program: &[u8], at: usize) -> Result<usize> {
    Ok(usize::from(u16::from_le_bytes(bytes(program, at)?)))
}

fn long(program: &[u8], at: usize) -> Result<usize> {
    Ok(usize::try_from(u64::from_le_bytes(bytes(program, at)?))?)
}
