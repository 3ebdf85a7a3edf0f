//! What is older than it is to be kept is not found, and deleted; what is named or not settled stays.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use assetmill_contract::samples::{self, output, tenant};
use assetmill_core::ports::{
    ActivityLog as _, ActivityReads as _, Clock, FlowChanges as _, FlowReads as _, FlowWrites as _,
    OutputWrites as _, ResultCache as _, WorkClaim, WorkHolder,
};
use assetmill_core::{
    Activity, ActivityInterval, AssetUrl, Batch, Claim, Counts, Flow, FlowId, Output, Params,
    Progress, SettledFlow, Sha256Digest, Source, Status, StepProduct, WorkKey,
};
use assetmill_sqlite::{Expired, Store};
use bytes::Bytes;
use jiff::Timestamp;
use tempfile::TempDir;

const DAY: Duration = Duration::from_hours(24);
const KEPT: Duration = Duration::from_hours(24 * 30);

/// A clock that goes on when it is told to.
struct Days(AtomicI64);

impl Days {
    fn pass(&self, days: i64) {
        self.0.fetch_add(days * 86_400_000, Ordering::SeqCst);
    }
}

impl Clock for Days {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct World {
    store: Store,
    clock: Arc<Days>,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let now = Timestamp::now().as_millisecond();
        let clock = Arc::new(Days(AtomicI64::new(now)));
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), clock.clone()).await.unwrap();
        Self {
            store: store.keeping_for(KEPT),
            clock,
            folder,
        }
    }

    /// A batch that was accepted and completed now, whose flows have these outputs.
    async fn completed(&self, made: &[&[u8]]) -> (Batch, Vec<Flow>) {
        let now = self.clock.now();
        let (mut batch, mut flows) = samples::batch(u32::try_from(made.len()).unwrap());
        (batch.created_at, batch.completed_at) = (now, Some(now));
        for (flow, content) in flows.iter_mut().zip(made) {
            flow.created_at = now;
            flow.status = Status::Completed {
                output: self.stored(content).await,
                settled_at: now,
            };
        }
        self.put(&batch, &flows).await;
        (batch, flows)
    }

    async fn put(&self, batch: &Batch, flows: &[Flow]) {
        self.store.flows().put_flows(flows).await.unwrap();
        self.store.flows().put_batch(batch).await.unwrap();
        let settled: Vec<_> = flows
            .iter()
            .filter(|flow| flow.state().is_settled())
            .map(SettledFlow::from)
            .collect();
        self.store
            .flows()
            .count_settled(batch.id, &settled)
            .await
            .unwrap();
    }

    async fn stored(&self, content: &[u8]) -> Output {
        let output = output(content);
        let put = self.store.outputs();
        put.put(
            &output.key,
            Bytes::copy_from_slice(content),
            &output.media_type,
        )
        .await
        .unwrap();
        output
    }

    fn has(&self, content: &[u8]) -> bool {
        self.store.outputs().path(&output(content).key).exists()
    }

    async fn found(&self, flows: &[Flow]) -> usize {
        let ids: Vec<_> = flows.iter().map(|flow| flow.id).collect();
        let read = self.store.flows().flows(&tenant(), &ids).await.unwrap();
        read.iter().flatten().count()
    }

    async fn expire(&self) -> Expired {
        self.store.expiry().unwrap().run().await.unwrap()
    }
}

fn work(source: &[u8]) -> WorkKey {
    WorkKey::new(
        &tenant(),
        &"copy".parse().unwrap(),
        "1",
        &Sha256Digest::of(source),
        &Params::default(),
    )
}

#[tokio::test]
async fn what_is_kept_for_ever_does_not_expire() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Days(AtomicI64::new(0)));
    let store = Store::open(folder.path(), clock.clone()).await.unwrap();
    let (mut batch, flows) = samples::batch(1);
    (batch.created_at, batch.completed_at) = (clock.now(), Some(clock.now()));
    store.flows().put_flows(&flows).await.unwrap();
    store.flows().put_batch(&batch).await.unwrap();
    clock.pass(10_000);
    let read = store.flows().batch(&tenant(), batch.id).await.unwrap();
    assert_eq!(read, Some(batch));
    assert!(store.expiry().is_none());
}

#[tokio::test]
async fn an_expired_batch_is_not_found_before_it_is_deleted() {
    let world = World::new().await;
    let (batch, flows) = world.completed(&[b"one", b"two"]).await;
    let rows = world.store.flows();
    world.clock.pass(29);
    assert_eq!(world.expire().await, Expired::default());
    assert_eq!(world.found(&flows).await, 2);
    world.clock.pass(1);
    assert_eq!(rows.batch(&tenant(), batch.id).await.unwrap(), None);
    assert_eq!(rows.batches(&tenant(), None, 10).await.unwrap(), []);
    assert_eq!(world.found(&flows).await, 0);
    let page = rows.batch_flows(&tenant(), batch.id, None, None, 10).await;
    assert_eq!(page.unwrap().flows, []);
    let counts = rows.counts(&tenant(), batch.id).await.unwrap();
    assert_eq!(counts, Counts::default());
    let now = world.clock.now();
    let claim = rows.claim(flows[0].id, now, now + DAY).await.unwrap();
    assert_eq!(claim, Claim::Unknown);
    assert!(world.has(b"one"));
    let expected = Expired {
        batches: 1,
        flows: 2,
        works: 0,
        outputs: 2,
    };
    assert_eq!(world.expire().await, expected);
    assert!(!world.has(b"one") && !world.has(b"two"));
    assert_eq!(world.expire().await, Expired::default());
}

#[tokio::test]
async fn an_output_lives_as_long_as_a_row_that_names_it() {
    let world = World::new().await;
    world.completed(&[b"shared", b"own"]).await;
    world.clock.pass(20);
    world.completed(&[b"shared"]).await;
    // One that only the steps of a flow name that goes on, and one that was uploaded for another.
    let (batch, mut flows) = samples::batch(2);
    let upload = AssetUrl::of_upload(&world.stored(b"upload").await.key);
    flows[1].source = Source::Asset(upload.unwrap());
    flows[0].progress = Progress {
        products: vec![StepProduct {
            step: Sha256Digest::of(b"step"),
            output: world.stored(b"step").await,
        }],
        ..Progress::default()
    };
    world.put(&batch, &flows).await;
    // One that only remembered work names.
    let made = world.stored(b"made").await;
    world
        .store
        .result_cache()
        .complete(&work(b"a"), &made)
        .await
        .unwrap();
    world.clock.pass(10);
    let expired = world.expire().await;
    assert_eq!((expired.batches, expired.flows, expired.outputs), (1, 2, 1));
    assert!(!world.has(b"own"));
    assert!(world.has(b"shared") && world.has(b"step") && world.has(b"made"));
    assert!(world.has(b"upload"));
    world.clock.pass(20);
    let expected = Expired {
        batches: 1,
        flows: 1,
        works: 1,
        outputs: 2,
    };
    assert_eq!(world.expire().await, expected);
    assert!(!world.has(b"shared") && world.has(b"step") && !world.has(b"made"));
    assert!(world.has(b"upload"));
}

#[tokio::test]
async fn what_is_not_settled_is_found_and_goes_on_however_old() {
    let world = World::new().await;
    let (mut batch, mut flows) = samples::batch(2);
    flows[0].status = Status::Cancelled {
        settled_at: world.clock.now(),
    };
    world.put(&batch, &flows).await;
    world.clock.pass(1_000);
    assert_eq!(world.expire().await, Expired::default());
    assert_eq!(world.found(&flows).await, 2);
    let (rows, now) = (world.store.flows(), world.clock.now());
    let claim = rows.claim(flows[1].id, now, now + DAY).await.unwrap();
    assert!(matches!(claim, Claim::Claimed(_)), "{claim:?}");
    // Not even if its batch says otherwise.
    batch.completed_at = Some(now);
    rows.put_batch(&batch).await.unwrap();
    assert_eq!(world.expire().await, Expired::default());
}

#[tokio::test]
async fn flows_that_were_never_accepted_are_deleted() {
    let world = World::new().await;
    let (_, flows) = samples::batch(450);
    world.store.flows().put_flows(&flows).await.unwrap();
    let (_, kept) = world.completed(&[b"kept"]).await;
    world.clock.pass(29);
    assert_eq!(world.expire().await.flows, 0);
    world.clock.pass(2);
    let (_, newer) = world.completed(&[b"newer"]).await;
    let expired = world.expire().await;
    assert_eq!((expired.batches, expired.flows), (1, 451));
    assert_eq!(world.found(&flows).await + world.found(&kept).await, 0);
    assert_eq!(world.found(&newer).await, 1);
}

#[tokio::test]
async fn remembered_work_expires() {
    let world = World::new().await;
    let (works, key) = (world.store.result_cache(), work(b"a"));
    let made = world.stored(b"made").await;
    works.complete(&key, &made).await.unwrap();
    let holder = WorkHolder {
        flow_id: FlowId::generate(),
        fence: 1,
    };
    // A claim that nobody ended.
    let now = world.clock.now();
    works
        .claim(&work(b"b"), holder, now, now + DAY)
        .await
        .unwrap();
    world.clock.pass(29);
    assert_eq!(works.find(&key).await.unwrap(), Some(made));
    world.clock.pass(2);
    assert_eq!(works.find(&key).await.unwrap(), None);
    let now = world.clock.now();
    let claim = works.claim(&key, holder, now, now + DAY).await.unwrap();
    assert_eq!(claim, WorkClaim::Claimed);
    let expired = world.expire().await;
    // The claim that is held stays.
    assert_eq!((expired.works, expired.outputs), (1, 1));
    let other = WorkHolder {
        flow_id: FlowId::generate(),
        fence: 1,
    };
    let held = works.claim(&key, other, now, now + DAY).await.unwrap();
    assert_eq!(held, WorkClaim::Held { until: now + DAY });
}

/// Whoever stored it, or asked for it, is about to name it.
#[tokio::test]
async fn an_output_that_was_just_asked_for_stays() {
    let world = World::new().await;
    let contents: [&[u8]; 3] = [b"left", b"stored", b"asked"];
    for content in contents {
        world.stored(content).await;
        let path = world.store.outputs().path(&output(content).key);
        let file = fs::File::open(path).unwrap();
        file.set_modified(SystemTime::now() - 2 * KEPT).unwrap();
    }
    world.stored(b"stored").await;
    let asked = output(b"asked").key;
    assert!(world.store.outputs().size(&asked).await.unwrap().is_some());
    fs::write(world.folder.path().join("outputs/notes.txt"), "mine").unwrap();
    assert_eq!(world.expire().await.outputs, 1);
    assert_eq!(
        contents.map(|content| world.has(content)),
        [false, true, true]
    );
    assert!(world.folder.path().join("outputs/notes.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_take_turns_with_what_is_deleted() {
    let world = World::new().await;
    for _ in 0..3 {
        let (mut batch, mut flows) = samples::batch(2_000);
        batch.completed_at = Some(world.clock.now());
        for flow in &mut flows {
            flow.status = Status::Cancelled {
                settled_at: world.clock.now(),
            };
        }
        world.put(&batch, &flows).await;
    }
    world.clock.pass(31);
    let (_, mut flows) = samples::batch(1);
    flows[0].created_at = world.clock.now();
    let count = Arc::new(Mutex::new(0_u32));
    let (counted, rows) = (count.clone(), world.store.flows());
    let writer = tokio::spawn(async move {
        loop {
            rows.put_flows(&flows).await.unwrap();
            *counted.lock().unwrap() += 1;
        }
    });
    while *count.lock().unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    let before = *count.lock().unwrap();
    let expired = world.expire().await;
    let during = *count.lock().unwrap() - before;
    writer.abort();
    assert_eq!((expired.batches, expired.flows), (3, 6_000));
    // Thirty portions: if they were one, a write could come before it, and one after.
    assert!(during > 2, "{during} writes meanwhile");
}

/// As long as it can be asked for, or as all else is kept, if that is less.
#[tokio::test]
async fn what_happened_is_forgotten_after_a_week() {
    let world = World::new().await;
    for (kept, days) in [(KEPT, 7), (2 * DAY, 2)] {
        let store = world.store.clone().keeping_for(kept);
        let log = store.activity_log();
        let activity = Activity {
            completed: 1,
            ..Activity::default()
        };
        let now = ActivityInterval::of(world.clock.now());
        log.add(&tenant(), now, activity).await.unwrap();
        world.clock.pass(days - 1);
        let found = log.activity(&tenant(), now).await.unwrap();
        assert_eq!(found, [(now, activity)]);
        world.clock.pass(1);
        let later = ActivityInterval::numbered(now.number() + 1);
        log.add(&tenant(), later, activity).await.unwrap();
        world.clock.pass(1);
        assert_eq!(log.activity(&tenant(), now).await.unwrap(), []);
        store.expiry().unwrap().run().await.unwrap();
        let database = rusqlite::Connection::open(world.folder.path().join("assetmill.db"));
        let left = database
            .unwrap()
            .query_row("SELECT count(*) FROM activity", [], |row| {
                row.get::<_, u32>(0)
            });
        assert_eq!(left, Ok(0));
    }
}
