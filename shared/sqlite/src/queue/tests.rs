use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assetmill_contract::samples;
use assetmill_core::ports::{FlowWrites as _, SystemClock};
use assetmill_core::{FlowId, FlowMessage};
use tempfile::TempDir;

use super::*;
use crate::{Store, database};

const VISIBILITY: Duration = Duration::from_mins(10);

struct World {
    store: Store,
    queue: SqliteQueue,
    _folder: TempDir,
}

impl World {
    async fn new(settings: QueueSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Arc::new(SystemClock)).await;
        let store = store.unwrap();
        Self {
            queue: store.queue(settings),
            store,
            _folder: folder,
        }
    }

    async fn send(&self, message: &FlowMessage, delay: Duration) {
        let message = message.clone();
        self.queue
            .send(&[Outgoing { message, delay }])
            .await
            .unwrap();
    }

    async fn send_some(&self, tenant: &str, some: usize, delay: Duration) {
        let message = || of(tenant);
        let outgoing = |message| Outgoing { message, delay };
        let messages: Vec<_> = std::iter::repeat_with(message)
            .take(some)
            .map(outgoing)
            .collect();
        self.queue.send(&messages).await.unwrap();
    }

    async fn receive(&self, max: usize) -> Vec<Delivery> {
        self.queue.receive(max, Duration::ZERO).await.unwrap()
    }

    /// Has the visibility timeout of what was delivered end at this millisecond.
    async fn timed_out(&self, at: i64) {
        let timed_out = self.queue.database.write(move |rows| {
            rows.execute(
                "UPDATE messages SET visible_at = ?1 WHERE received = 1",
                [at],
            )
        });
        timed_out.await.unwrap();
    }
}

fn of(tenant: &str) -> FlowMessage {
    FlowMessage::new(FlowId::generate(), tenant.parse().unwrap())
}

fn flows() -> QueueSettings {
    QueueSettings::flows(VISIBILITY, 2)
}

fn tenants(deliveries: &[Delivery], tenant: &str) -> usize {
    let of = |delivery: &&Delivery| delivery.message.tenant.as_str() == tenant;
    deliveries.iter().filter(of).count()
}

/// The queue of flows in a database that tells how many steps SQLite takes in it.
struct Counted {
    rows: Connection,
    ids: MessageIds,
    steps: Arc<AtomicU64>,
    all: Vec<u64>,
}

impl Counted {
    fn new() -> Self {
        let mut rows = database::in_memory();
        let ids = MessageIds::after_all(&rows).unwrap();
        let steps = Arc::new(AtomicU64::new(0));
        let count = steps.clone();
        let count = move || {
            count.fetch_add(1, Ordering::Relaxed);
            false
        };
        rows.progress_handler(1, Some(count)).unwrap();
        let all = Vec::new();
        Self {
            rows,
            ids,
            steps,
            all,
        }
    }

    fn send(&self, tenant: &str, visible_at: i64) {
        put(&self.rows, FLOWS, self.ids.next(), visible_at, &of(tenant)).unwrap();
    }

    fn look(&self, now: i64, max: usize) -> Look {
        let due = Due {
            settings: flows().most_of_one(NonZeroUsize::new(15).unwrap()),
            now: Timestamp::from_millisecond(now).unwrap(),
            visible_again: Timestamp::from_millisecond(now + 1_000).unwrap(),
        };
        look(
            &self.rows,
            &due,
            Retention::for_ever(Arc::new(SystemClock)).cutoff(),
            max,
        )
        .unwrap()
    }

    fn execute(&self, sql: &str) -> usize {
        self.rows.execute(sql, []).unwrap()
    }

    /// Does the work, and notes how many steps it took.
    fn count<T>(&mut self, work: impl FnOnce(&Self) -> T) -> T {
        let before = self.steps.load(Ordering::Relaxed);
        let done = work(self);
        let steps = self.steps.load(Ordering::Relaxed) - before;
        assert!(steps > 0);
        self.all.push(steps);
        done
    }
}

/// A flow of a hundred thousand costs what one of a thousand does.
#[test]
fn what_a_message_costs_does_not_grow_with_those_that_wait() {
    let steps = [100, 3_000].map(|waiting| {
        let mut queue = Counted::new();
        for _ in 0..waiting {
            for (tenant, visible_at) in [("a", 100), ("b", 100), ("a", 1_000_000)] {
                queue.send(tenant, visible_at);
            }
        }
        queue.count(|queue| queue.send("a", 100));
        let first = queue.count(|queue| queue.look(200, 10)).deliveries;
        let more = queue.count(|queue| queue.look(300, 100)).deliveries;
        assert_eq!((first.len(), more.len()), (10, 20));
        let none = queue.count(|queue| queue.look(400, 100));
        assert!(none.held_back && none.deliveries.is_empty());
        // Those that are held longest come again.
        assert_eq!(none.next.map(Timestamp::as_millisecond), Some(1_200));
        queue.execute("UPDATE messages SET visible_at = 50 WHERE received = 1");
        let again = queue.count(|queue| queue.look(500, 10)).deliveries;
        assert!(again.iter().all(|delivery| delivery.receive_count == 2));
        queue.execute("UPDATE messages SET visible_at = 50 WHERE receives = 2");
        let last = queue.count(|queue| queue.look(600, 30)).deliveries;
        let receipt = Receipt::of_text(&last[0].receipt).unwrap();
        queue.count(|queue| take_out(&queue.rows, FLOWS, &receipt).unwrap());
        queue.execute("UPDATE messages SET visible_at = 1000000 WHERE queue = 'flows'");
        let none = queue.count(|queue| queue.look(3_000, 10));
        assert_eq!(none.next.map(Timestamp::as_millisecond), Some(1_000_000));
        let dead = queue.execute("DELETE FROM messages WHERE queue = 'dead-letters'");
        assert_eq!((again.len(), dead), (10, 10));
        queue.all
    });
    assert_eq!(steps[0], steps[1]);
}

#[tokio::test]
async fn what_is_due_for_longest_comes_first_whether_it_was_delivered_before() {
    let world = World::new(flows()).await;
    let [first, second, third] = [of("a"), of("a"), of("a")];
    world.send(&second, Duration::ZERO).await;
    world.receive(1).await;
    let waits_since = |at: i64| {
        let waits = world.queue.database.write(move |rows| {
            rows.execute(
                "UPDATE messages SET visible_at = ?1 WHERE visible_at > 20 AND received = 0",
                [at],
            )
        });
        async { assert_eq!(waits.await.unwrap(), 1) }
    };
    world.send(&third, Duration::ZERO).await;
    waits_since(20).await;
    world.send(&first, Duration::ZERO).await;
    waits_since(1).await;
    world.timed_out(10).await;
    let received = world.receive(2).await;
    let received: Vec<_> = received
        .into_iter()
        .map(|it| (it.message, it.receive_count))
        .collect();
    assert_eq!(received, [(first, 1), (second, 2)]);
    let last = world.receive(2).await;
    assert_eq!((&last[0].message, last.len()), (&third, 1));
}

/// Who takes it up has to claim the flow before anything is done for it: it may have killed who received it before.
#[tokio::test]
async fn a_message_that_comes_again_carries_no_row() {
    let world = World::new(flows()).await;
    let (_, flows) = samples::batch(1);
    world.store.flows().put_flows(&flows).await.unwrap();
    world.send(&flows[0].message(), Duration::ZERO).await;
    let first = world.receive(1).await;
    assert_eq!(first[0].message.row.as_deref(), Some(&flows[0]));
    world.timed_out(0).await;
    let second = world.receive(1).await;
    assert_eq!(
        (second[0].receive_count, &second[0].message.row),
        (2, &None)
    );
}

#[tokio::test]
async fn tenants_take_turns_and_none_holds_more_than_it_may() {
    let most = NonZeroUsize::new(5).unwrap();
    let world = World::new(flows().most_of_one(most)).await;
    world.send_some("a", 20, Duration::ZERO).await;
    world.send_some("b", 3, Duration::ZERO).await;
    let two = world.receive(2).await;
    assert_eq!((tenants(&two, "a"), tenants(&two, "b")), (1, 1));
    let all = world.receive(100).await;
    assert_eq!((tenants(&all, "a"), tenants(&all, "b")), (4, 2));
    assert_eq!(world.receive(100).await, []);
    let of_a = all.iter().find(|it| it.message.tenant.as_str() == "a");
    world
        .queue
        .acknowledge(&of_a.unwrap().receipt)
        .await
        .unwrap();
    assert_eq!(tenants(&world.receive(100).await, "a"), 1);
}

/// However many its tenant holds.
#[tokio::test]
async fn what_came_too_often_is_a_dead_letter_of_every_tenant() {
    let world = World::new(flows().most_of_one(NonZeroUsize::MIN)).await;
    for tenant in ["a", "b"] {
        world.send_some(tenant, 1, Duration::ZERO).await;
    }
    for _ in 0..2 {
        assert_eq!(world.receive(10).await.len(), 2);
        world.timed_out(0).await;
    }
    // One that `a` holds, beside the one that came too often.
    let held = world.queue.database.write(|rows| {
        rows.execute(
            "INSERT INTO messages (queue, received, receives, tenant, visible_at, message_id, body)
             VALUES ('flows', 1, 1, 'a', 99999999999999, 99, '')",
            [],
        )
    });
    held.await.unwrap();
    assert_eq!(world.receive(10).await, []);
    let letters = world.store.dead_letters(VISIBILITY);
    let letters = letters.receive(10, Duration::ZERO).await.unwrap();
    assert_eq!((tenants(&letters, "a"), tenants(&letters, "b")), (1, 1));
}

#[tokio::test]
async fn one_that_can_not_be_read_keeps_none_of_the_others() {
    let world = World::new(flows()).await;
    let [unreadable, other] = [of("a"), of("a")];
    world.send(&unreadable, Duration::ZERO).await;
    let broken = world
        .queue
        .database
        .write(|rows| rows.execute("UPDATE messages SET body = '?', visible_at = 0", []));
    assert_eq!(broken.await.unwrap(), 1);
    world.send(&other, Duration::ZERO).await;
    let received = world
        .queue
        .receive(1, Duration::from_mins(1))
        .await
        .unwrap();
    assert_eq!((&received[0].message, received.len()), (&other, 1));
}
