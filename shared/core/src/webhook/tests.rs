use std::time::Duration;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn webhook() -> Webhook {
    Webhook {
        id: WebhookId::generate(),
        tenant: "acme".parse().unwrap(),
        url: "https://example.com/hook".parse().unwrap(),
        events: [WebhookEvent::BatchCompleted].into(),
        secret: WebhookSecret::generate(),
        retired: Vec::new(),
        created_at: at(0),
        disabled_at: None,
    }
}

/// Which of these secrets sign what is told at `now`, in the order in which they do.
fn signers(webhook: &Webhook, secrets: &[WebhookSecret], now: Timestamp) -> Vec<usize> {
    let id = DeliveryId::of_completion(crate::BatchId::generate(), now, webhook.id);
    let signed = webhook.sign(id, now, "{}".to_owned());
    let by = |signature: &str| {
        let signs = |secret: &WebhookSecret| secret.sign(id, now, "{}".to_owned()).signature;
        secrets
            .iter()
            .position(|it| signs(it) == signature)
            .unwrap()
    };
    signed.signature.split(' ').map(by).collect()
}

#[test]
fn the_secret_before_signs_too_for_a_day() {
    let mut webhook = webhook();
    let secrets = [webhook.secret.clone(), WebhookSecret::generate()];
    assert_eq!(signers(&webhook, &secrets, at(0)), [0]);
    webhook.rotate(secrets[1].clone(), at(0));
    let day = 24 * 60 * 60;
    assert_eq!(signers(&webhook, &secrets, at(0)), [1, 0]);
    assert_eq!(signers(&webhook, &secrets, at(day - 1)), [1, 0]);
    assert_eq!(signers(&webhook, &secrets, at(day)), [1]);
    assert_eq!(webhook.retires_at(at(1)), Some(at(day)));
    assert_eq!(webhook.retires_at(at(day)), None);
}

#[test]
fn secrets_that_sign_beside_the_last_have_a_bound() {
    let mut webhook = webhook();
    let mut secrets = vec![webhook.secret.clone()];
    for second in 0..4 {
        secrets.push(WebhookSecret::generate());
        webhook.rotate(secrets[secrets.len() - 1].clone(), at(second));
    }
    assert_eq!(signers(&webhook, &secrets, at(5)), [4, 3, 2, 1]);
    // What does not sign any more is not kept either.
    webhook.rotate(WebhookSecret::generate(), at(0) + Duration::from_hours(48));
    assert_eq!(webhook.retired.len(), 1);
}

#[test]
fn an_endpoint_from_before_there_were_several_secrets_is_read() {
    let webhook = webhook();
    let row = serde_json::to_string(&webhook).unwrap();
    assert!(!row.contains("retired"), "{row}");
    assert_eq!(serde_json::from_str::<Webhook>(&row).unwrap(), webhook);
}
