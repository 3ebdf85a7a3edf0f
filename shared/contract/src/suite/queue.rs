//! The queue: at least once, not too early, and no more than so often.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assetmill_core::ports::{Delivery, FlowDeliveries, Outgoing};
use assetmill_core::{FlowId, FlowMessage, MAX_BATCH};

use super::{Adapters, MAX_RECEIVES, VISIBILITY, cases};
use crate::samples::tenant;

cases! { "queue":
    a_message_is_delivered,
    an_empty_queue_delivers_nothing,
    no_delivery_has_more_than_asked,
    ten_thousand_messages_are_all_delivered,
    a_delayed_message_comes_no_earlier,
    a_delivered_message_is_invisible,
    an_unacknowledged_message_comes_again,
    an_acknowledged_message_is_gone,
    acknowledging_is_idempotent,
    sending_nothing_is_no_error,
    a_stale_receipt_takes_nothing_out,
    a_message_that_comes_too_often_is_a_dead_letter,
}

const SOON: Duration = Duration::from_secs(10);

fn message() -> FlowMessage {
    FlowMessage::new(FlowId::generate(), tenant())
}

async fn one(deliveries: &dyn FlowDeliveries) -> Delivery {
    let mut received = deliveries.receive(1, SOON).await.unwrap();
    assert_eq!(received.len(), 1);
    received.remove(0)
}

async fn nothing(deliveries: &dyn FlowDeliveries) {
    let received = deliveries.receive(10, Duration::ZERO).await.unwrap();
    assert_eq!(received, []);
}

async fn sent(on: &Adapters) -> FlowMessage {
    let message = message();
    let outgoing = Outgoing::now(message.clone());
    on.queue.send(&[outgoing]).await.unwrap();
    message
}

async fn a_message_is_delivered(on: Arc<Adapters>) {
    let message = sent(&on).await;
    let delivery = one(&*on.deliveries).await;
    assert_eq!(delivery.message, message);
    assert_eq!(delivery.receive_count, 1);
}

async fn an_empty_queue_delivers_nothing(on: Arc<Adapters>) {
    nothing(&*on.deliveries).await;
    nothing(&*on.dead_letters).await;
}

async fn no_delivery_has_more_than_asked(on: Arc<Adapters>) {
    let messages: Vec<_> = (0..12).map(|_| Outgoing::now(message())).collect();
    on.queue.send(&messages).await.unwrap();
    let received = on.deliveries.receive(3, SOON).await.unwrap();
    assert!((1..=3).contains(&received.len()), "{}", received.len());
}

async fn ten_thousand_messages_are_all_delivered(on: Arc<Adapters>) {
    let messages: Vec<_> = (0..MAX_BATCH).map(|_| Outgoing::now(message())).collect();
    on.queue.send(&messages).await.unwrap();
    let mut missing: HashSet<_> = messages.iter().map(|sent| sent.message.clone()).collect();
    while !missing.is_empty() {
        let received = on.deliveries.receive(10, SOON).await.unwrap();
        assert!(!received.is_empty(), "{} messages are lost", missing.len());
        for delivery in received {
            missing.remove(&delivery.message);
            on.deliveries.acknowledge(&delivery.receipt).await.unwrap();
        }
    }
}

async fn a_delayed_message_comes_no_earlier(on: Arc<Adapters>) {
    let delay = Duration::from_secs(1);
    let sent = Instant::now();
    let late = Outgoing {
        message: message(),
        delay,
    };
    on.queue.send(std::slice::from_ref(&late)).await.unwrap();
    nothing(&*on.deliveries).await;
    let delivery = one(&*on.deliveries).await;
    assert!(sent.elapsed() >= delay, "{:?}", sent.elapsed());
    assert_eq!(delivery.message, late.message);
}

async fn a_delivered_message_is_invisible(on: Arc<Adapters>) {
    sent(&on).await;
    one(&*on.deliveries).await;
    nothing(&*on.deliveries).await;
}

async fn an_unacknowledged_message_comes_again(on: Arc<Adapters>) {
    let message = sent(&on).await;
    let received = Instant::now();
    let first = one(&*on.deliveries).await;
    let second = one(&*on.deliveries).await;
    assert!(received.elapsed() >= VISIBILITY, "{:?}", received.elapsed());
    assert_eq!(second.message, message);
    assert_eq!(second.receive_count, 2);
    assert_ne!(second.receipt, first.receipt);
}

async fn an_acknowledged_message_is_gone(on: Arc<Adapters>) {
    sent(&on).await;
    let delivery = one(&*on.deliveries).await;
    on.deliveries.acknowledge(&delivery.receipt).await.unwrap();
    let again = on.deliveries.receive(1, VISIBILITY * 2).await.unwrap();
    assert_eq!(again, []);
}

async fn acknowledging_is_idempotent(on: Arc<Adapters>) {
    sent(&on).await;
    let delivery = one(&*on.deliveries).await;
    on.deliveries.acknowledge(&delivery.receipt).await.unwrap();
    let other = sent(&on).await;
    on.deliveries.acknowledge(&delivery.receipt).await.unwrap();
    assert_eq!(one(&*on.deliveries).await.message, other);
}

async fn sending_nothing_is_no_error(on: Arc<Adapters>) {
    on.queue.send(&[]).await.unwrap();
    nothing(&*on.deliveries).await;
}

async fn a_stale_receipt_takes_nothing_out(on: Arc<Adapters>) {
    sent(&on).await;
    let first = one(&*on.deliveries).await;
    one(&*on.deliveries).await;
    on.deliveries.acknowledge(&first.receipt).await.unwrap();
    // The second delivery was the last: unless it was taken out, it is a dead letter now.
    nothing(&*on.deliveries).await;
    let left = on.deliveries.receive(1, VISIBILITY * 2).await.unwrap();
    assert_eq!(left, []);
    one(&*on.dead_letters).await;
}

async fn a_message_that_comes_too_often_is_a_dead_letter(on: Arc<Adapters>) {
    let message = sent(&on).await;
    for count in 1..=MAX_RECEIVES {
        assert_eq!(one(&*on.deliveries).await.receive_count, count);
    }
    let more = on.deliveries.receive(1, VISIBILITY * 2).await.unwrap();
    assert_eq!(more, []);
    let letter = one(&*on.dead_letters).await;
    assert_eq!(letter.message, message);
    on.dead_letters.acknowledge(&letter.receipt).await.unwrap();
}
