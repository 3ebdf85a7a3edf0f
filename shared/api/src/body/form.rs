//! Bodies that are forms with files (`multipart/form-data`, RFC 7578).

use std::collections::BTreeMap;
use std::convert::Infallible;

use assetmill_core::{FailureCode, Share};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, ORIGIN};
use multer::{Field, Multipart};

use super::bytes::READ_TIME;
use super::reading::{self, Bounds};
use super::{check_not_encoded, essence, text_of};
use crate::{ErrorCode, Pointer, Problem, TenantInFlight};

/// What a form may have besides the bytes of its files: boundaries, heads of parts, and texts.
const AROUND_FILES: usize = 64 * 1024;
/// The part that is a file.
const FILE: &str = "file";

/// What a form may have in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Takes {
    /// Files at the most.
    pub(crate) files: usize,
    /// What to do about more.
    pub(crate) advice: &'static str,
    /// The names of the texts beside them.
    pub(crate) texts: &'static [&'static str],
}

/// A form, and the memory that it takes.
#[derive(Debug)]
pub(crate) struct Form {
    /// The files, in the order that they were sent in: one at least, and none of them empty.
    pub(crate) files: Vec<Bytes>,
    texts: BTreeMap<&'static str, String>,
    _held: Share,
}

impl Form {
    /// A text that was sent with the files.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        self.texts.remove(name)
    }
}

/// Whether the body is declared as a form with files.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    text_of(headers, &CONTENT_TYPE)
        .is_some_and(|declared| essence(declared) == "multipart/form-data")
}

/// The body as a form, whose files have at most so many bytes together. The memory of what is read is held, and that of
/// the form too, which is made of it.
///
/// # Errors
/// `unsupported_content_type` for what another site's page could send of its own accord; `invalid_body` for what is no
/// such form, `asset_empty`, and what reading it comes to.
pub(crate) async fn form(
    headers: &HeaderMap,
    body: Body,
    memory: &TenantInFlight,
    most: usize,
    takes: Takes,
) -> Result<Form, Problem> {
    let unsupported = |detail| Problem::new(ErrorCode::UnsupportedContentType, detail);
    if headers.contains_key(ORIGIN) {
        return Err(unsupported(
            "forms are not taken from pages; send the bytes of the file, with its type as the Content-Type, such as \
             image/jpeg",
        ));
    }
    check_not_encoded(headers)?;
    let declared = text_of(headers, &CONTENT_TYPE).unwrap_or_default();
    let boundary = multer::parse_boundary(declared).map_err(|_| {
        unsupported(
            "the form's boundary is not declared; leave the Content-Type to what makes the form",
        )
    })?;
    let bounds = Bounds {
        most: most.saturating_add(AROUND_FILES),
        time: READ_TIME,
        advice: "send fewer files at a time, or smaller ones",
    };
    let content = reading::read(headers, body, memory, bounds).await?;
    let held = memory.try_hold(content.len() as u64)?;
    let parts = Multipart::new(stream::iter([Ok::<_, Infallible>(content)]), boundary);
    parts_of(parts, most, takes, held).await
}

async fn parts_of(
    mut parts: Multipart<'_>,
    most: usize,
    takes: Takes,
    held: Share,
) -> Result<Form, Problem> {
    let mut files = Vec::new();
    let mut texts = BTreeMap::new();
    let mut bytes = 0;
    while let Some(part) = parts.next_field().await.map_err(|error| no_form(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == FILE {
            let content = content(part).await?;
            bytes += content.len();
            files.push(checked(content, files.len(), bytes, most, takes)?);
            continue;
        }
        let known = takes.texts.iter().find(|text| **text == name);
        let known = *known.ok_or_else(|| unknown(&name, takes))?;
        let text = String::from_utf8(content(part).await?.into())
            .map_err(|_| invalid(&name, format!("{name} is no text in UTF-8")))?;
        if texts.insert(known, text).is_some() {
            return Err(invalid(&name, format!("duplicate field `{name}`")));
        }
    }
    if files.is_empty() {
        return Err(invalid(FILE, format!("missing field `{FILE}`")));
    }
    Ok(Form {
        files,
        texts,
        _held: held,
    })
}

/// A file, if the form may have it, after so many others, and all of them so many bytes.
fn checked(
    content: Bytes,
    number: usize,
    bytes: usize,
    most: usize,
    takes: Takes,
) -> Result<Bytes, Problem> {
    if number == takes.files {
        let detail = format!("more than {} files; {}", takes.files, takes.advice);
        return Err(invalid(FILE, detail));
    }
    if content.is_empty() {
        let pointer = Pointer::root().field(FILE).index(number);
        let detail = format!("file {} of the form has no bytes", number + 1);
        return Err(Problem::new(ErrorCode::Failure(FailureCode::AssetEmpty), detail).at(pointer));
    }
    if bytes > most {
        let detail = format!(
            "the files have more than {most} bytes together; send fewer at a time, or smaller ones"
        );
        return Err(Problem::new(ErrorCode::BodyTooLarge, detail));
    }
    Ok(content)
}

/// What is in a part. The whole form is there, so it comes in one piece, which is not copied.
async fn content(mut part: Field<'_>) -> Result<Bytes, Problem> {
    let mut next = async || part.chunk().await.map_err(|error| no_form(&error));
    let Some(first) = next().await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = next().await? else {
        return Ok(first);
    };
    let mut whole = BytesMut::from(first);
    whole.extend_from_slice(&second);
    while let Some(more) = next().await? {
        whole.extend_from_slice(&more);
    }
    Ok(whole.freeze())
}

fn unknown(name: &str, takes: Takes) -> Problem {
    let known: Vec<_> = [FILE].iter().chain(takes.texts).copied().collect();
    let detail = format!(
        "unknown field `{name}`, expected one of {}",
        known.join(", ")
    );
    invalid(name, detail)
}

fn invalid(name: &str, detail: String) -> Problem {
    Problem::new(ErrorCode::InvalidBody, detail).at(Pointer::root().field(name))
}

fn no_form(error: &multer::Error) -> Problem {
    let detail = format!("the body is not a form, or not a whole one: {error}");
    Problem::new(ErrorCode::InvalidBody, detail).at(Pointer::root())
}
