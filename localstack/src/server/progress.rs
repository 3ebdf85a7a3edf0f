use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::requests::Answered;

/// What a client that is sent more than it reads has to read, and in which time. Each answer that waits holds
/// memory, and a timeout that any single byte puts off is none.
const LEAST_BYTES: usize = 64 * 1024;
const IN_TIME: Duration = Duration::from_secs(30);
/// How much the system takes of what was not sent yet. Its own measure are megabytes, of which a third
/// has to go before it takes more: on a slow line that looks as if nothing moved.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_BYTES: u32 = 128 * 1024;

/// A connection that ends when its client does not read: a write fails once there was something to write for
/// 30 seconds, and fewer than 64 KiB of it could be written.
pub(super) struct InProgress<Io> {
    io: Io,
    answered: Answered,
    waiting: Option<Waiting>,
    // Made once: a timer is moved more cheaply than it is made.
    timer: Pin<Box<Sleep>>,
}

/// Since the client was last abreast of what it is sent, or read enough.
struct Waiting {
    written: usize,
}

impl InProgress<TcpStream> {
    pub(super) fn new(stream: TcpStream, answered: Answered) -> Self {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            // Without it, slow clients are cut off sooner than they should; they are served all the same.
            let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES);
        }
        Self::over(stream, answered)
    }
}

impl<Io> InProgress<Io> {
    fn over(io: Io, answered: Answered) -> Self {
        Self {
            io,
            answered,
            waiting: None,
            timer: Box::pin(sleep(IN_TIME)),
        }
    }

    fn watch(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(waiting) = &mut self.waiting {
                    waiting.written += bytes;
                    if waiting.written >= LEAST_BYTES {
                        self.waiting = None;
                    }
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Pending => {
                if self.waiting.is_none() {
                    self.waiting = Some(Waiting { written: 0 });
                    self.timer.as_mut().reset(Instant::now() + IN_TIME);
                }
                ready!(self.timer.as_mut().poll(context));
                Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the client does not read its answer",
                )))
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for InProgress<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for InProgress<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// Comes when everything was written, so that the client is abreast.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waiting = None;
        ready!(Pin::new(&mut self.io).poll_flush(context))?;
        self.answered.are_sent();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    fn pair() -> (InProgress<DuplexStream>, DuplexStream) {
        let (server, client) = duplex(1024);
        (InProgress::over(server, Answered::default()), client)
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_cut_off() {
        let (mut server, _client) = pair();
        let started = Instant::now();
        let error = server.write_all(&[0; 4096]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(started.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_now_and_then_is_cut_off_too() {
        let (mut server, mut client) = pair();
        let dripping = tokio::spawn(async move {
            while client.read_u8().await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        });
        let error = server.write_all(&vec![0; 1 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(server);
        dripping.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_slowly_gets_it_all() {
        let (mut server, mut client) = pair();
        let reading = tokio::spawn(async move {
            let mut read = 0;
            let mut some = [0; 1024];
            while let Ok(bytes @ 1..) = client.read(&mut some).await {
                read += bytes;
                sleep(Duration::from_millis(300)).await;
            }
            read
        });
        server.write_all(&vec![0; 1 << 20]).await.unwrap();
        drop(server);
        assert_eq!(reading.await.unwrap(), 1 << 20);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_between_answers_does_not_count() {
        let (mut server, mut client) = pair();
        for _ in 0..3 {
            let sent = server.write_all(&[0; 2048]);
            let mut read = [0; 2048];
            let (sent, read) = tokio::join!(sent, client.read_exact(&mut read));
            sent.unwrap();
            read.unwrap();
            server.flush().await.unwrap();
            sleep(Duration::from_mins(1)).await;
        }
    }
}
