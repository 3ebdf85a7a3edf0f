//! A vendor that breaks down over some assets, and is well otherwise: nobody else waits for it.

use std::time::Duration;

use assetmill_contract::samples;
use assetmill_core::FlowState;

use crate::world::{Answer, Vendor, World, newcomer};

/// More than the three in a row after which a vendor is down.
const BAD: u32 = 5;
const LIMITS: [&str; 2] = ["", "rate=100/s,burst=10"];

fn breaks_over(limits: &str) -> Vendor {
    Vendor::limited(limits, None).breaking_over(samples::tenant(), BAD)
}

/// Whoever asks in vain whether the vendor is back is not the one who always asks.
#[tokio::test(start_paused = true)]
async fn bad_assets_hold_up_others_of_their_tenant_for_minutes_at_the_most() {
    for limits in LIMITS {
        let world = World::new(BAD, breaks_over(limits)).await;
        world.work_for(Duration::from_secs(5)).await;
        assert_eq!(world.vendor.times(Answer::Made), []);
        let all = world.accept(&samples::tenant(), BAD + 10).await;
        world.work_for(Duration::from_mins(10)).await;
        let rows = world.rows_of(&all).await;
        let done = rows
            .iter()
            .filter(|row| row.state() == FlowState::Completed);
        assert_eq!(done.count(), 10, "{limits}");
    }
}

#[tokio::test(start_paused = true)]
async fn bad_assets_of_one_tenant_hold_up_no_other() {
    for limits in LIMITS {
        let world = World::new(BAD, breaks_over(limits)).await;
        world.work_for(Duration::from_secs(5)).await;
        assert_eq!(world.vendor.times(Answer::Made), []);
        // Nobody knows better yet: it waits until one of its flows has asked.
        world.accept(&newcomer(), 10).await;
        world.work_for(Duration::from_mins(3)).await;
        assert_eq!(world.vendor.made_for(&newcomer()).len(), 10, "{limits}");
        // From then on it is known whose assets it is.
        for _ in 0..10 {
            world.accept(&samples::tenant(), BAD).await;
            world.work_for(Duration::from_secs(10)).await;
            let before = world.vendor.elapsed();
            world.accept(&newcomer(), 1).await;
            world.work_for(Duration::from_secs(2)).await;
            let made = world.vendor.made_for(&newcomer());
            let last = *made.last().unwrap();
            assert!(
                last > before,
                "{limits}: not within two seconds of {before:?}"
            );
        }
    }
}

/// It is the vendor's then, and everybody waits, at no cost in attempts.
#[tokio::test(start_paused = true)]
async fn an_outage_that_one_tenant_found_first_is_that_of_all() {
    let world = World::new(20, Vendor::limited("", None).down_during(30..330)).await;
    world.accept(&newcomer(), 20).await;
    world.work_to_the_end().await;
    assert_eq!(world.vendor.times(Answer::Made).len(), 40);
    tokio::time::advance(Duration::from_secs(30)).await;
    let theirs = world.accept(&samples::tenant(), 200).await;
    world.work_for(Duration::from_secs(30)).await;
    let ours = world.accept(&newcomer(), 200).await;
    world.work_for(Duration::from_secs(30)).await;
    let before = world.vendor.times(Answer::Down).len();
    world.work_for(Duration::from_secs(200)).await;
    let probes = world.vendor.times(Answer::Down).len() - before;
    assert!((8..25).contains(&probes), "{probes}");
    world.work_to_the_end().await;
    for row in world
        .rows_of(&theirs)
        .await
        .iter()
        .chain(&world.rows_of(&ours).await)
    {
        assert_eq!(
            (row.state(), row.attempts),
            (FlowState::Completed, 1),
            "{row:?}"
        );
    }
}
