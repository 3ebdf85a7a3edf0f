//! `GET /api/v2/activity`

use assetmill_contract::samples::{at, tenant};
use assetmill_core::ports::ActivityLog as _;
use assetmill_core::{Activity, ActivityInterval};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::{ACME, GLOBEX, World};

const PATH: &str = "/api/v2/activity";
const DAY: i64 = 24 * 60 * 60;

/// The interval that was so many seconds ago.
fn ago(seconds: i64) -> ActivityInterval {
    ActivityInterval::of(at(-seconds))
}

fn text(time: Timestamp) -> String {
    format!("{time:.3}")
}

async fn add(world: &World, interval: ActivityInterval, completed: u64) {
    let activity = Activity {
        completed,
        failed: 2,
        cancelled: 3,
        paid_calls: 4,
    };
    let added = world.activity.add(&tenant(), interval, activity).await;
    added.unwrap();
}

fn completed(answer: &Value) -> Vec<u64> {
    let points = answer["points"].as_array().unwrap();
    let completed = points.iter().map(|point| point["completed"].as_u64());
    completed.map(Option::unwrap).collect()
}

#[tokio::test]
async fn what_happened_is_told_the_earliest_first() {
    let world = World::new();
    let (early, late) = (ago(3_600), ago(0));
    add(&world, late, 5).await;
    add(&world, early, 1).await;
    let answer = world.get(PATH).await.json();
    assert_eq!(answer["interval_seconds"], 300);
    let point = |interval: ActivityInterval, completed| {
        json!({
            "at": text(interval.start()),
            "completed": completed,
            "failed": 2,
            "cancelled": 3,
            "paid_calls": 4,
        })
    };
    assert_eq!(answer["points"], json!([point(early, 1), point(late, 5)]));
}

#[tokio::test]
async fn a_day_is_told_unless_somebody_asks_for_more_or_less() {
    let world = World::new();
    for (age, count) in [
        (8 * DAY, 1),
        (6 * DAY, 2),
        (2 * DAY, 3),
        (DAY / 2, 4),
        (0, 5),
    ] {
        add(&world, ago(age), count).await;
    }
    let since = |age| format!("{PATH}?since={}", ago(age).start());
    for (path, expected) in [
        (PATH.to_owned(), &[4, 5][..]),
        (since(DAY / 2), &[4, 5]),
        (since(DAY / 4), &[5]),
        (since(3 * DAY), &[3, 4, 5]),
        // No more than a week, whatever is asked for.
        (since(100 * DAY), &[2, 3, 4, 5]),
        (format!("{PATH}?since=0001-01-01T00:00:00Z"), &[2, 3, 4, 5]),
        (format!("{PATH}?since=9999-01-01T00:00:00Z"), &[]),
    ] {
        let answer = world.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(completed(&answer.json()), expected, "{path}");
    }
}

#[tokio::test]
async fn it_begins_with_the_interval_that_has_the_time() {
    let world = World::new();
    let interval = ago(1_000);
    add(&world, interval, 7).await;
    let last = interval.start().as_second() + 299;
    let last = Timestamp::from_second(last).unwrap();
    let answer = world.get(&format!("{PATH}?since={last}")).await.json();
    assert_eq!(answer["since"], text(interval.start()));
    assert_eq!(completed(&answer), [7]);
}

#[tokio::test]
async fn others_see_nothing_of_it() {
    let world = World::with_keys();
    add(&world, ago(0), 7).await;
    assert_eq!(completed(&world.get_as(ACME, PATH).await.json()), [7]);
    assert!(completed(&world.get_as(GLOBEX, PATH).await.json()).is_empty());
    assert_eq!(world.get(PATH).await.problem().0, 401);
}

#[tokio::test]
async fn what_is_no_time_is_refused() {
    for query in ["?since=yesterday", "?since=", "?until=2026-01-01T00:00:00Z"] {
        let answer = World::new().get(&format!("{PATH}{query}")).await;
        let (status, code, _) = answer.problem();
        assert_eq!((status, &*code), (400, "invalid_query"), "{query}");
    }
}
