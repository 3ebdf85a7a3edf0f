//! What goes to and from a codec process: a head in JSON, and content as it is, each behind its length.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest head: a job or a failure, of which the longest part is a message.
const MAX_HEAD_BYTES: u32 = 64 * 1024;

pub(super) fn write_head(to: &mut impl Write, head: &impl Serialize) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let length = u32::try_from(head.len()).map_err(|_| too_long())?;
    to.write_all(&[&length.to_le_bytes(), head.as_slice()].concat())
}

/// The next head; `None` where there is no more.
pub(super) fn read_head<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_HEAD_BYTES {
        return Err(too_long());
    }
    let head = read_exactly(from, u64::from(length))?;
    Ok(Some(serde_json::from_slice(&head)?))
}

pub(super) fn write_content(to: &mut impl Write, content: &[u8]) -> io::Result<()> {
    to.write_all(&(content.len() as u64).to_le_bytes())?;
    to.write_all(content)
}

/// Content of at most so many bytes.
pub(super) fn read_content(from: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > most {
        return Err(too_long());
    }
    read_exactly(from, length)
}

fn read_exactly(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    // In pieces as large as the pipe's: growing ones would wake the other side for each.
    let mut content = vec![0; usize::try_from(length).map_err(|_| too_long())?];
    from.read_exact(&mut content)?;
    Ok(content)
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "longer than it may be")
}
