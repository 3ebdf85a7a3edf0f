//! Answers with many rows, which are read while the answer is sent.

use assetmill_core::ports::Unavailable;
use async_trait::async_trait;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::in_flight::busy;
use crate::{Problem, TenantInFlight};

/// What is sent at once, at the least, as long as there is more.
const CHUNK_BYTES: usize = 64 * 1024;
/// What a row takes until it is sent: the flow, what is shown of it, and its JSON, with a URL as long as
/// URLs may be (4,096 bytes).
const ROW_BYTES: u64 = 16 * 1024;

/// The rows of an answer, some at a time.
#[async_trait]
pub trait Rows: Send + 'static {
    /// What stands in each row.
    type Row: Serialize + Send + Sync;

    /// The object whose fields stand after the rows.
    type Ending: Serialize;

    /// How many [`next`](Self::next) may answer now, at the most; `None` where the memory of all of them is held
    /// already: a tenant whose answers wait for each other's would have none.
    fn at_once(&self) -> Option<usize>;

    /// The next rows; none when there are no more.
    async fn next(&mut self) -> Result<Vec<Self::Row>, Unavailable>;

    /// What stands after the rows, once there are no more.
    fn ending(&self) -> Self::Ending;
}

/// Answers a JSON object: the fields of `beginning`, `flows` with the rows, and the fields of their
/// [`ending`](Rows::ending).
///
/// Rows are read as the client takes them, under the memory of `in_flight`. The first are read before the
/// answer begins, so that what goes wrong with them is a problem; what goes wrong later breaks the body
/// off before its end, which every client notices (RFC 9112, section 8).
///
/// # Errors
/// The [`Problem`] with the first rows.
pub async fn answer<R: Rows>(
    beginning: &impl Serialize,
    rows: R,
    in_flight: TenantInFlight,
) -> Result<Response, Problem> {
    let beginning = fields(beginning)?;
    let mut writer = Writer {
        rows,
        in_flight,
        beginning: Some(beginning),
        any: false,
        ended: false,
    };
    let first = writer.chunk().await?;
    let body = if writer.ended {
        // Whole, so its length is told.
        Body::from(first)
    } else {
        let rest = stream::try_unfold(writer, |mut writer| async move {
            if writer.ended {
                return Ok(None);
            }
            let chunk = writer.chunk().await.map_err(BrokenOff)?;
            Ok::<_, BrokenOff>(Some((chunk, writer)))
        });
        Body::from_stream(stream::iter([Ok(first)]).chain(rest))
    };
    let mut answer = body.into_response();
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    Ok(answer)
}

/// Why an answer ended before its end.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.detail())]
struct BrokenOff(Problem);

struct Writer<R> {
    rows: R,
    in_flight: TenantInFlight,
    beginning: Option<String>,
    any: bool,
    ended: bool,
}

impl<R: Rows> Writer<R> {
    async fn chunk(&mut self) -> Result<Bytes, Problem> {
        let mut held = match self.rows.at_once() {
            Some(rows) => Some(self.in_flight.hold(rows as u64 * ROW_BYTES).await?),
            None => None,
        };
        let mut text = String::new();
        if let Some(beginning) = self.beginning.take() {
            let comma = if beginning.is_empty() { "" } else { "," };
            text = format!("{{{beginning}{comma}\"flows\":[");
        }
        while text.len() < CHUNK_BYTES && !self.ended {
            self.write_some(&mut text).await?;
        }
        // The rows are gone; what is kept is the text.
        text.shrink_to_fit();
        let Some(mut held) = held.take() else {
            return Ok(text.into());
        };
        let bytes = text.len() as u64;
        // It is held already, and who holds something waits for nothing.
        if !held.try_grow(bytes.saturating_sub(held.amount())) {
            return Err(busy());
        }
        held.shrink_to(bytes);
        Ok(held.hold(text.into()))
    }

    async fn write_some(&mut self, text: &mut String) -> Result<(), Problem> {
        let rows = self.rows.next().await?;
        for row in &rows {
            if self.any {
                text.push(',');
            }
            self.any = true;
            text.push_str(&json(row)?);
        }
        if rows.is_empty() {
            self.ended = true;
            let ending = fields(&self.rows.ending())?;
            let comma = if ending.is_empty() { "" } else { "," };
            text.extend(["]", comma, &ending, "}"]);
        }
        Ok(())
    }
}

/// The fields of an object, without the braces around them.
fn fields(object: &impl Serialize) -> Result<String, Problem> {
    let text = json(object)?;
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    Ok(inner.unwrap_or_default().to_owned())
}

fn json(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "answer can't be written"
        );
        Problem::internal()
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::{ErrorCode, InFlight};

    /// Rows of a thousand bytes, of which some may fail.
    struct Numbers {
        left: usize,
        fails_at: Option<usize>,
    }

    #[derive(Serialize)]
    struct Total {
        total: usize,
    }

    #[async_trait]
    impl Rows for Numbers {
        type Row = String;
        type Ending = Total;

        fn at_once(&self) -> Option<usize> {
            Some(self.left.min(10))
        }

        async fn next(&mut self) -> Result<Vec<String>, Unavailable> {
            if Some(self.left) == self.fails_at {
                return Err(Unavailable::new("flows", "gone"));
            }
            let some = self.left.min(10);
            self.left -= some;
            Ok(vec!["x".repeat(1_000); some])
        }

        fn ending(&self) -> Total {
            Total { total: 7 }
        }
    }

    fn in_flight(bytes: u64) -> TenantInFlight {
        InFlight::new(bytes).of(&"a".parse().unwrap())
    }

    #[tokio::test]
    async fn however_many_rows_it_is_one_object() {
        for left in [0, 1, 10, 1_000] {
            let rows = Numbers {
                left,
                fails_at: None,
            };
            let beginning = json!({ "id": 5 });
            let answer = answer(&beginning, rows, in_flight(1 << 20)).await.unwrap();
            let length = axum::body::HttpBody::size_hint(answer.body()).exact();
            assert_eq!(length.is_some(), left < 1_000, "{left}");
            let mut text = Vec::new();
            let mut body = answer.into_body();
            while let Some(frame) = body.frame().await {
                // As a client does: what it has read, the service need not keep.
                text.extend_from_slice(frame.unwrap().data_ref().unwrap());
            }
            let body: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(body["id"], 5);
            assert_eq!(body["flows"].as_array().unwrap().len(), left);
            assert_eq!(body["total"], 7);
        }
    }

    #[tokio::test]
    async fn what_fails_at_first_is_a_problem_and_later_breaks_the_body_off() {
        let rows = |fails_at| Numbers {
            left: 1_000,
            fails_at: Some(fails_at),
        };
        let refused = answer(&json!({}), rows(1_000), in_flight(64 << 20)).await;
        assert_eq!(refused.unwrap_err().code(), ErrorCode::Unavailable);
        let answer = answer(&json!({}), rows(500), in_flight(64 << 20))
            .await
            .unwrap();
        assert!(answer.into_body().collect().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_reads_holds_what_was_sent_and_no_more() {
        let in_flight = in_flight(1 << 20);
        let rows = Numbers {
            left: 1_000,
            fails_at: None,
        };
        let unread = answer(&json!({}), rows, in_flight.clone()).await.unwrap();
        let sent = in_flight.bytes() - 2 * CHUNK_BYTES as u64;
        assert!(in_flight.try_hold(sent).is_ok());
        assert!(
            in_flight
                .try_hold(in_flight.bytes() - CHUNK_BYTES as u64 / 2)
                .is_err()
        );
        drop(unread);
        assert!(in_flight.try_hold(in_flight.bytes()).is_ok());
    }
}
