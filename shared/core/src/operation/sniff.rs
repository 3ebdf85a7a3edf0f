//! What content is, by its first bytes.

use super::MediaType;

impl MediaType {
    /// The media type that the content shows by itself, whatever anybody says of it;
    /// [`unknown`](Self::unknown) when it shows none.
    pub fn of_content(content: &[u8]) -> Self {
        infer::get(content)
            .and_then(|kind| kind.mime_type().parse().ok())
            .unwrap_or_else(Self::unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_shows_what_it_is() {
        for (content, expected) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"PK\x03\x04\x14\0\0\0\0\0", "application/zip"),
            (b"\x1f\x8b\x08\0\0\0\0\0", "application/gzip"),
            (b"<!DOCTYPE html><html><body>404</body>", "text/html"),
            (b"\0\x01\x02\x03", "application/octet-stream"),
            (b"just words", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(MediaType::of_content(content).as_str(), expected);
        }
    }
}
