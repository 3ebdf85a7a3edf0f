use jiff::SignedDuration;

use super::*;
use crate::BatchId;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn delivery() -> WebhookDelivery {
    let webhook_id = WebhookId::generate();
    WebhookDelivery {
        id: DeliveryId::of_completion(BatchId::generate(), at(0), webhook_id),
        webhook_id,
        of_batch: false,
        tenant: "acme".parse().unwrap(),
        event: WebhookEvent::BatchCompleted,
        payload: "{}".to_owned(),
        created_at: at(0),
        state: DeliveryState::Pending { due_at: at(0) },
        tries: 0,
        attempts: Vec::new(),
        revision: 1,
    }
}

fn status(status: u16) -> WebhookAnswer {
    WebhookAnswer {
        status,
        ..WebhookAnswer::default()
    }
}

/// The delivery after an attempt at `now`, and what came of it.
fn tried(
    delivery: &WebhookDelivery,
    answer: Result<WebhookAnswer, String>,
    now: Timestamp,
    share: f64,
) -> (WebhookDelivery, Told) {
    delivery.begun(now).ended(now, answer, now, share)
}

#[test]
fn an_endpoint_that_is_down_is_asked_ten_times_in_three_days() {
    for (share, hours) in [(0.0, 68..69), (0.5, 75..76), (1.0, 83..84)] {
        let (mut delivery, mut now) = (delivery(), at(0));
        for attempt in 1..=9 {
            let (next, told) = tried(&delivery, Err("nobody listens".to_owned()), now, share);
            assert_eq!(told, Told::Later, "{attempt}");
            delivery = next;
            now = delivery.due_at().unwrap();
        }
        let took: SignedDuration = now.duration_since(at(0));
        assert!(hours.contains(&took.as_hours()), "{took:?}");
        let (last, told) = tried(&delivery, Ok(status(500)), now, share);
        assert_eq!(told, Told::GivenUp);
        assert_eq!(last.state, DeliveryState::GivenUp { at: now });
        assert_eq!(last.attempts.len(), 10);
        assert_eq!(last.attempts[9].status, Some(500));
        assert_eq!(last.attempts[0].error.as_deref(), Some("nobody listens"));
        assert_eq!(last.revision, 21);
    }
}

#[test]
fn who_asks_for_patience_is_given_a_day_at_the_most() {
    let due = |seconds| {
        let answer = WebhookAnswer {
            retry_after: Some(Duration::from_secs(seconds)),
            ..status(503)
        };
        tried(&delivery(), Ok(answer), at(0), 0.5).0.due_at()
    };
    assert_eq!(due(120), Some(at(120)));
    assert_eq!(due(1), Some(at(5)));
    assert_eq!(due(1_000_000), Some(at(24 * 60 * 60)));
}

#[test]
fn a_redirect_is_a_failure_that_says_where_it_leads() {
    let answer = WebhookAnswer {
        location: Some("https://example.com/new".to_owned()),
        ..status(301)
    };
    let (delivery, told) = tried(&delivery(), Ok(answer), at(0), 0.5);
    assert_eq!(told, Told::Later);
    let attempt = &delivery.attempts[0];
    assert_eq!(attempt.status, Some(301));
    let error = attempt.error.as_deref().unwrap();
    assert!(error.ends_with("https://example.com/new"), "{error}");
}

#[test]
fn a_success_ends_it_and_so_does_an_endpoint_that_is_gone() {
    for (code, state, expected) in [
        (204, DeliveryState::Delivered { at: at(3) }, Told::Delivered),
        (299, DeliveryState::Delivered { at: at(3) }, Told::Delivered),
        (410, DeliveryState::GivenUp { at: at(3) }, Told::Gone),
    ] {
        let (delivery, told) = tried(&delivery(), Ok(status(code)), at(3), 0.5);
        assert_eq!((delivery.state, told), (state, expected), "{code}");
    }
}

#[test]
fn a_replay_begins_anew_and_what_is_remembered_has_a_bound() {
    let mut delivery = delivery();
    for round in 0..7 {
        for _ in 0..10 {
            let long = WebhookAnswer {
                head: "ö".repeat(2_000),
                ..status(404)
            };
            delivery = tried(&delivery, Ok(long), at(round), 0.5).0;
        }
        assert_eq!(delivery.state, DeliveryState::GivenUp { at: at(round) });
        let before = delivery.id;
        delivery = delivery.replayed(at(round + 1));
        assert_eq!(
            (delivery.id, delivery.due_at()),
            (before, Some(at(round + 1)))
        );
    }
    assert_eq!(delivery.attempts.len(), MOST_ATTEMPTS);
    assert_eq!(delivery.attempts[0].at, at(5));
    let head = delivery.attempts[0].answer.as_deref().unwrap();
    assert_eq!(head.chars().count(), LONGEST_TEXT);
}

#[test]
fn progress_is_not_told_again_as_the_next_says_more() {
    let mut delivery = delivery();
    delivery.event = WebhookEvent::BatchProgress;
    let (delivery, told) = tried(&delivery, Ok(status(503)), at(3), 0.5);
    assert_eq!(
        (delivery.state, told),
        (DeliveryState::GivenUp { at: at(3) }, Told::GivenUp)
    );
}
