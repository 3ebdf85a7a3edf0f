use std::pin::pin;

use futures_util::FutureExt as _;

use super::*;

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

#[test]
fn no_more_is_given_than_there_is_nor_to_one_than_its_most() {
    let shares = Shares::new(12, 8);
    let (greedy, other) = (tenant("greedy"), tenant("other"));
    let most = shares.try_take(&greedy, 8).unwrap();
    assert!(shares.try_take(&greedy, 1).is_none());
    let rest = shares.try_take(&other, 4).unwrap();
    assert!(shares.try_take(&other, 1).is_none());
    drop(most);
    assert!(shares.try_take(&other, 5).is_none());
    drop(rest);
    assert!(shares.try_take(&other, 8).is_some());
    assert!(shares.try_take(&other, 9).is_none());
}

#[test]
fn a_share_that_shrinks_gives_the_rest_back_and_one_that_grows_takes_it() {
    let shares = Shares::new(10, 10);
    let a = tenant("a");
    let mut part = shares.try_take(&a, 10).unwrap();
    part.shrink_to(1);
    assert_eq!(part.amount(), 1);
    let mut other = shares.try_take(&a, 8).unwrap();
    part.shrink_to(9);
    assert_eq!(part.amount(), 1);
    assert!(other.try_grow(1));
    assert!(!other.try_grow(1));
    assert_eq!(other.amount(), 9);
    drop((part, other));
    assert!(shares.try_take(&a, 10).is_some());
}

#[test]
fn who_wants_more_than_one_may_have_waits_to_hold_nothing_else() {
    let shares = Shares::new(10, 8);
    let a = tenant("a");
    let first = shares.try_take(&a, 1).unwrap();
    let mut all = pin!(shares.take(&a, u64::MAX));
    assert!(all.as_mut().now_or_never().is_none());
    drop(first);
    assert_eq!(all.now_or_never().unwrap().amount(), 8);
}

#[test]
fn a_tenant_in_line_does_not_keep_others_from_what_it_may_not_have() {
    let shares = Shares::new(12, 8);
    let (greedy, other) = (tenant("greedy"), tenant("other"));
    let _most = shares.try_take(&greedy, 8).unwrap();
    let mut line: Vec<_> = (0..100)
        .map(|_| Box::pin(shares.take(&greedy, 4)))
        .collect();
    assert!(line.iter_mut().all(|it| it.now_or_never().is_none()));
    assert!(shares.try_take(&other, 4).is_some());
}

#[test]
fn the_tenant_that_holds_least_is_served_next_and_keeps_those_that_hold_more_waiting() {
    let shares = Shares::new(10, 10);
    let (a, b) = (tenant("a"), tenant("b"));
    let (first, second) = (
        shares.try_take(&a, 6).unwrap(),
        shares.try_take(&a, 4).unwrap(),
    );
    let mut of_a = pin!(shares.take(&a, 1));
    let mut of_b = pin!(shares.take(&b, 6));
    assert!(of_a.as_mut().now_or_never().is_none());
    assert!(of_b.as_mut().now_or_never().is_none());
    drop(second);
    // There would be enough for the first in line, but the other tenant has nothing yet.
    assert!(of_a.as_mut().now_or_never().is_none());
    drop(first);
    assert!(of_b.now_or_never().is_some());
    assert!(of_a.now_or_never().is_some());
}

#[test]
fn one_tenant_is_served_in_the_order_in_which_it_asked() {
    let shares = Shares::new(2, 2);
    let a = tenant("a");
    let all = shares.try_take(&a, 2).unwrap();
    let mut large = pin!(shares.take(&a, 2));
    let mut small = pin!(shares.take(&a, 1));
    assert!(large.as_mut().now_or_never().is_none());
    assert!(small.as_mut().now_or_never().is_none());
    assert!(shares.try_take(&a, 1).is_none());
    drop(all);
    let large = large.now_or_never().unwrap();
    assert!(small.as_mut().now_or_never().is_none());
    drop(large);
    assert!(small.now_or_never().is_some());
}

#[test]
fn who_wants_nothing_waits_for_nobody() {
    let shares = Shares::new(2, 2);
    let a = tenant("a");
    let mut held = shares.try_take(&a, 2).unwrap();
    let mut waits = pin!(shares.take(&a, 1));
    assert!(waits.as_mut().now_or_never().is_none());
    assert!(held.try_grow(0));
    assert!(shares.try_take(&a, 0).is_some());
    assert!(shares.take(&a, 0).now_or_never().is_some());
}

#[test]
fn a_place_that_is_given_up_takes_nothing_with_it() {
    let shares = Shares::new(2, 2);
    let (a, b) = (tenant("a"), tenant("b"));
    let held = shares.try_take(&a, 1).unwrap();
    let mut waits = Box::pin(shares.take(&b, 2));
    assert!(waits.as_mut().now_or_never().is_none());
    let mut behind = pin!(shares.take(&a, 1));
    assert!(behind.as_mut().now_or_never().is_none());
    // Before it was served: whoever it kept waiting is served.
    drop(waits);
    let behind = behind.now_or_never().unwrap();
    let mut served = Box::pin(shares.take(&b, 2));
    assert!(served.as_mut().now_or_never().is_none());
    drop((held, behind));
    // After it was served, and before it noticed.
    drop(served);
    assert!(shares.try_take(&b, 2).is_some());
    assert!(shares.state().tenants.is_empty());
}

#[test]
fn content_holds_its_share_until_its_last_clone_is_gone() {
    let shares = Shares::new(3, 3);
    let a = tenant("a");
    let content = shares.try_take(&a, 3).unwrap().hold(Bytes::from("abc"));
    let clone = content.slice(1..);
    drop(content);
    assert!(shares.try_take(&a, 1).is_none());
    assert_eq!(clone, "bc");
    drop(clone);
    assert!(shares.try_take(&a, 1).is_some());
}

#[test]
fn a_share_grows_when_others_give_back_and_beyond_what_there_is_at_once() {
    let shares = Shares::new(10, 10);
    let (a, b) = (tenant("a"), tenant("b"));
    let mut first = shares.try_take(&a, 5).unwrap();
    let second = shares.try_take(&b, 5).unwrap();
    let mut grown = Box::pin(first.grow(3));
    assert!((&mut grown).now_or_never().is_none());
    drop(second);
    grown.now_or_never().unwrap();
    assert_eq!(first.amount(), 8);
    assert!(first.grow(11).now_or_never().is_none());

    first.grow_beyond(4);
    assert_eq!((first.amount(), shares.most_held()), (12, 12));
    // What is owed is given back first.
    first.shrink_to(9);
    assert!(shares.try_take(&b, 2).is_none());
    drop(first);
    assert!(shares.try_take(&b, 10).is_some());
    assert_eq!(shares.most_held(), 12);
}

/// However often others come and go: of those that hold as much, the one that was served longest ago is next.
#[tokio::test]
async fn who_waits_all_the_time_is_served_among_those_who_come_and_go() {
    let shares = Shares::new(1, 1);
    let [busy, one, other] = ["a", "b", "c"].map(|name| name.parse::<TenantId>().unwrap());
    let mut held = Some(shares.take(&one, 1).await);
    let mut waits: Vec<_> = (0..20).map(|_| Box::pin(shares.take(&busy, 1))).collect();
    for wait in &mut waits {
        assert!(wait.as_mut().now_or_never().is_none());
    }
    let mut served = 0;
    let mut next = Box::pin(shares.take(&other, 1));
    for turn in 0..30 {
        assert!(next.as_mut().now_or_never().is_none());
        drop(held.take());
        if let Some(share) = next.as_mut().now_or_never() {
            held = Some(share);
            let who = if turn % 2 == 0 { &one } else { &other };
            next = Box::pin(shares.take(who, 1));
        } else {
            let mut of_busy = waits.remove(0);
            held = of_busy.as_mut().now_or_never();
            served += 1;
        }
        assert!(held.is_some());
    }
    assert!((9..=20).contains(&served), "{served} of 30");
}
