//! Uploads that are announced, at an emulator of S3 that checks signatures and digests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod emulators;

use std::future::Future;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use assetmill_aws::resources::{self, Names};
use assetmill_aws::{Bucket, Clients};
use assetmill_core::ports::{
    AnnouncedUpload, OutputWrites as _, SignedPut, SystemClock, UploadLinks as _,
};
use assetmill_core::{FlowId, MediaType, Sha256Digest, TenantId};
use jiff::{SignedDuration, Timestamp};
use libtest_mimic::{Arguments, Trial};

const CONTENT: &[u8] = b"what was announced";
const LIFETIME: Duration = Duration::from_mins(10);

fn main() {
    if std::env::var_os("AWS_ENDPOINT_URL_S3").is_none() {
        let ended = emulators::run_again_with_emulators();
        std::process::exit(ended.code().unwrap_or(1));
    }
    let trials = vec![
        trial("what_was_announced_is_taken", what_was_announced_is_taken),
        trial("nothing_else_is_taken", nothing_else_is_taken),
        trial("what_is_old_is_sent_again", what_is_old_is_sent_again),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

fn trial<Case: Future<Output = ()> + 'static>(name: &str, case: fn() -> Case) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        runtime.block_on(case());
        Ok(())
    })
}

/// A new bucket.
async fn bucket() -> Bucket {
    let clients = Clients::from_env().await;
    let name = FlowId::generate().to_string();
    let names = Names {
        table: name.clone(),
        bucket: name.clone(),
        queue: name,
    };
    resources::create_stores(&clients, &names).await.unwrap();
    Bucket::new(&clients, &names.bucket, Arc::new(SystemClock))
}

fn upload() -> AnnouncedUpload {
    let tenant: TenantId = "acme".parse().unwrap();
    let bytes = NonZeroU64::new(CONTENT.len() as u64).unwrap();
    AnnouncedUpload::new(&tenant, Sha256Digest::of(CONTENT), bytes, &MediaType::png())
}

/// How to send it, if nothing is there that is younger than an hour.
async fn link(bucket: &Bucket) -> Option<SignedPut> {
    let since = Timestamp::now() - SignedDuration::from_hours(1);
    bucket
        .upload_link(&upload(), since, LIFETIME)
        .await
        .unwrap()
}

/// The status that is answered.
async fn send(put: &SignedPut, content: &[u8]) -> u16 {
    // Another case may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.put(put.url.clone()).body(content.to_vec());
    for (name, value) in &put.headers {
        request = request.header(name, value);
    }
    request.send().await.unwrap().status().as_u16()
}

async fn what_was_announced_is_taken() {
    let bucket = bucket().await;
    let put = link(&bucket).await.unwrap();
    assert!(put.expires_at > Timestamp::now());
    assert_eq!(send(&put, CONTENT).await, 200);
    let stored = bucket.get(&upload().key).await.unwrap();
    assert_eq!(stored.as_deref(), Some(CONTENT));
    assert_eq!(link(&bucket).await, None);
}

async fn nothing_else_is_taken() {
    let bucket = bucket().await;
    let put = link(&bucket).await.unwrap();
    let other = b"what was announceD";
    let mut of_other = put.clone();
    let digest = of_other.headers.get_mut("x-amz-checksum-sha256").unwrap();
    // As `sha256sum` and `base64` make it of the other content.
    "6ZibS06+a3+olp5/azjSm/OmJ1TOnWKhsQJVZDFsNoY=".clone_into(digest);
    let mut untyped = put.clone();
    untyped
        .headers
        .insert("content-type".to_owned(), "text/html".to_owned());
    let mut undigested = put.clone();
    undigested.headers.remove("x-amz-checksum-sha256");
    let mut elsewhere = put.clone();
    let path = put.url.path().replace(".png", ".jpg");
    elsewhere.url.set_path(&path);
    for (put, content, why) in [
        (&put, &b"what was announced, and more"[..], "more bytes"),
        (&put, b"what was", "fewer bytes"),
        (&of_other, other, "another digest"),
        (&undigested, other, "no digest"),
        (&untyped, CONTENT, "another type"),
        (&elsewhere, CONTENT, "another key"),
    ] {
        let status = send(put, content).await;
        assert!((400..500).contains(&status), "{why}: {status}");
    }
    assert_eq!(bucket.size(&upload().key).await.unwrap(), None);
    // Last: s3s-fs 0.14.1 refuses it once it is stored. Whoever reads it compares it with its name.
    assert_eq!(send(&put, other).await, 400);
}

/// Objects expire some time after they were stored.
async fn what_is_old_is_sent_again() {
    let bucket = bucket().await;
    let put = link(&bucket).await.unwrap();
    assert_eq!(send(&put, CONTENT).await, 200);
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    let again = bucket
        .upload_link(&upload(), later, LIFETIME)
        .await
        .unwrap();
    assert_eq!(send(&again.unwrap(), CONTENT).await, 200);
}
