//! Stored outputs.

use std::sync::Arc;

use assetmill_core::MediaType;
use bytes::Bytes;
use futures_util::future::join_all;

use super::{Adapters, cases};
use crate::samples::output;

cases! { "outputs":
    an_output_reads_back,
    an_output_that_was_not_put_is_none,
    putting_again_succeeds,
    a_reader_never_sees_a_part,
}

async fn put(on: &Adapters, content: &Bytes) {
    let key = output(content).key;
    on.outputs
        .put(&key, content.clone(), &MediaType::png())
        .await
        .unwrap();
}

async fn an_output_reads_back(on: Arc<Adapters>) {
    let content = Bytes::from_static(b"made");
    let key = output(&content).key;
    put(&on, &content).await;
    assert_eq!(on.outputs.size(&key).await.unwrap(), Some(4));
    assert_eq!(on.outputs.get(&key).await.unwrap(), Some(content));
}

async fn an_output_that_was_not_put_is_none(on: Arc<Adapters>) {
    let key = output(b"never").key;
    assert_eq!(on.outputs.size(&key).await.unwrap(), None);
    assert_eq!(on.outputs.get(&key).await.unwrap(), None);
}

async fn putting_again_succeeds(on: Arc<Adapters>) {
    let content = Bytes::from_static(b"made");
    let key = output(&content).key;
    for _ in 0..2 {
        put(&on, &content).await;
    }
    assert_eq!(on.outputs.get(&key).await.unwrap(), Some(content));
}

async fn a_reader_never_sees_a_part(on: Arc<Adapters>) {
    let content = Bytes::from(vec![7; 4 << 20]);
    let key = output(&content).key;
    let puts = (0..4).map(|_| {
        let (on, content) = (on.clone(), content.clone());
        tokio::spawn(async move { put(&on, &content).await })
    });
    let puts = tokio::spawn(join_all(puts.collect::<Vec<_>>()));
    loop {
        let finished = puts.is_finished();
        if let Some(read) = on.outputs.get(&key).await.unwrap() {
            assert!(read == content, "{} bytes", read.len());
        }
        if finished {
            break;
        }
    }
    assert_eq!(on.outputs.size(&key).await.unwrap(), Some(4 << 20));
}
