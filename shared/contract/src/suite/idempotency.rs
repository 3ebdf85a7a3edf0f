//! Keys of requests: one claim stands, everybody finds it, for a day.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::IdempotencyKeys;
use assetmill_core::{IdempotencyKey, KeyClaim, Sha256Digest, TenantId};
use futures_util::future::join_all;
use serde_json::json;

use super::{Adapters, cases};
use crate::samples::{at, batch, tenant};

cases! { "idempotency":
    a_claim_is_found_as_it_was_made,
    of_many_claims_one_stands,
    a_claim_stands_against_a_later_one,
    tenants_and_keys_are_told_apart,
    an_expired_claim_is_not_found,
    an_expired_claim_is_replaced,
}

const DAY: i64 = 24 * 60 * 60;

fn key(text: &str) -> IdempotencyKey {
    text.parse().unwrap()
}

/// A claim at [`at`]`(now)`.
fn claim_at(now: i64) -> KeyClaim {
    let (mut batch, _) = batch(2);
    batch.created_at = at(now);
    KeyClaim {
        fingerprint: Sha256Digest::of(batch.id.to_string().as_bytes()),
        batch,
    }
}

async fn find(keys: &dyn IdempotencyKeys, of: &TenantId, text: &str, now: i64) -> Option<KeyClaim> {
    keys.find(of, &key(text), at(now)).await.unwrap()
}

async fn a_claim_is_found_as_it_was_made(on: Arc<Adapters>) {
    let text = "8e03978e-40d5-43dd-bc93-6894a57f9324 \"#\\ ~";
    assert_eq!(find(&*on.keys, &tenant(), text, 0).await, None);
    let mut claim = claim_at(0);
    claim.batch.retry_of = Some(claim.batch.id);
    let params = json!({ "width": 5, "fit": "cover", "scale": 0.5, "upright": true });
    claim.batch.params = serde_json::from_value(params).unwrap();
    assert_eq!(on.keys.claim(&key(text), &claim).await.unwrap(), claim);
    assert_eq!(find(&*on.keys, &tenant(), text, 0).await, Some(claim));
}

async fn of_many_claims_one_stands(on: Arc<Adapters>) {
    let claims = (0..16).map(|_| {
        let keys = on.keys.clone();
        tokio::spawn(async move { keys.claim(&key("k"), &claim_at(0)).await.unwrap() })
    });
    let answers = join_all(claims).await;
    let stands = find(&*on.keys, &tenant(), "k", 0).await.unwrap();
    for answer in answers {
        assert_eq!(answer.unwrap(), stands);
    }
}

async fn a_claim_stands_against_a_later_one(on: Arc<Adapters>) {
    let first = claim_at(0);
    on.keys.claim(&key("k"), &first).await.unwrap();
    let later = claim_at(DAY - 1);
    assert_eq!(on.keys.claim(&key("k"), &later).await.unwrap(), first);
    let found = find(&*on.keys, &tenant(), "k", DAY - 1).await;
    assert_eq!(found, Some(first));
}

async fn tenants_and_keys_are_told_apart(on: Arc<Adapters>) {
    let own = claim_at(0);
    on.keys.claim(&key("k"), &own).await.unwrap();
    let globex: TenantId = "globex".parse().unwrap();
    assert_eq!(find(&*on.keys, &globex, "k", 0).await, None);
    for other in ["K", "k ", "kk"] {
        assert_eq!(find(&*on.keys, &tenant(), other, 0).await, None, "{other}");
    }
    let mut others = claim_at(0);
    others.batch.tenant = globex.clone();
    assert_eq!(on.keys.claim(&key("k"), &others).await.unwrap(), others);
    assert_eq!(find(&*on.keys, &globex, "k", 0).await, Some(others));
    assert_eq!(find(&*on.keys, &tenant(), "k", 0).await, Some(own));
}

async fn an_expired_claim_is_not_found(on: Arc<Adapters>) {
    assert_eq!(IdempotencyKey::KEPT_FOR, Duration::from_hours(24));
    on.keys.claim(&key("k"), &claim_at(0)).await.unwrap();
    assert!(find(&*on.keys, &tenant(), "k", DAY - 1).await.is_some());
    assert_eq!(find(&*on.keys, &tenant(), "k", DAY).await, None);
}

async fn an_expired_claim_is_replaced(on: Arc<Adapters>) {
    on.keys.claim(&key("k"), &claim_at(-DAY)).await.unwrap();
    let claim = claim_at(0);
    assert_eq!(on.keys.claim(&key("k"), &claim).await.unwrap(), claim);
    assert_eq!(find(&*on.keys, &tenant(), "k", 0).await, Some(claim));
}
