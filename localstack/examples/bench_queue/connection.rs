//! As much of HTTP/1.1 as programs need that know each other: a head, and a body whose length is told. What a measurement
//! itself costs is taken from the cores of what is measured.

use bytes::Buf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One side of a connection, on which messages follow each other.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// A message: its head with the empty line at its end, and its body, as two parts that need not be put together.
    pub(crate) async fn send(&mut self, head: &str, body: [&[u8]; 2]) {
        let [first, rest] = body;
        let mut message = Buf::chain(head.as_bytes(), Buf::chain(first, rest));
        // Who does not read any more is not waited for: the next message says so.
        let _ = self.stream.write_all_buf(&mut message).await;
    }

    /// The next head, and its body in the place of what was in `body`; `None` where the other side is done.
    pub(crate) async fn message(&mut self, body: &mut Vec<u8>) -> Option<String> {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|it| it == b"\r\n\r\n") {
                break end + 4;
            }
            if self.stream.read_buf(&mut self.read).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).into_owned();
        let length = content_length(&head);
        body.clear();
        body.reserve_exact(length);
        body.extend_from_slice(&self.read[end..]);
        self.read.clear();
        let rest = (length - body.len()) as u64;
        let mut rest = (&mut self.stream).take(rest);
        rest.read_to_end(body).await.ok()?;
        Some(head)
    }
}

fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    value.map_or(0, |it| it.trim().parse().unwrap())
}
