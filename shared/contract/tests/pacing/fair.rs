//! One tenant beside another at the same vendor.

use std::time::Duration;

use crate::world::{Answer, Vendor, World, newcomer};
use crate::{MINUTE, assert_all_done_at_once};

/// As long as a quick vendor's call, and a slow one's.
const QUICK: Duration = Duration::from_millis(200);
const SLOW: Duration = Duration::from_secs(5);

/// When ten assets came to a vendor for which `others` of another tenant wait since a while, and how long they took.
async fn ten_beside(
    others: u32,
    since: Duration,
    processes: usize,
    limits: &str,
    call: Duration,
) -> (Duration, Duration, World) {
    let allows = limits.starts_with("rate=60/min").then_some((60, MINUTE));
    let vendor = Vendor::limited(limits, allows).taking(call);
    let world = match processes {
        1 => World::new(others, vendor).await,
        more => World::with_processes(more, others, vendor).await,
    };
    world.work_for(since).await;
    let came = world.vendor.elapsed();
    world.accept(&newcomer(), 10).await;
    world.work_for(5 * MINUTE).await;
    let made = world.vendor.made_for(&newcomer());
    assert_eq!(made.len(), 10, "{limits}, {processes} processes");
    (came, made[9].saturating_sub(came), world)
}

/// However many of another wait, ten take no more than twice as long as alone; nobody's quota is used up for it, nor
/// anybody's place lost.
#[tokio::test(start_paused = true)]
async fn a_few_assets_take_twice_as_long_as_alone_beside_thousands_of_another() {
    for processes in [1, 5] {
        let limits = "rate=60/min";
        let (_, alone, _) = ten_beside(0, 2 * MINUTE, processes, limits, QUICK).await;
        let (_, beside, world) = ten_beside(1_000, 2 * MINUTE, processes, limits, QUICK).await;
        assert!(beside < 2 * alone, "{processes}: {beside:?}, {alone:?}");
        world.work_to_the_end().await;
        assert_all_done_at_once(&world.rows().await);
        assert_eq!(world.vendor.times(Answer::TooMany).len(), 0);
        let made = world.vendor.times(Answer::Made);
        let took = made[1_009].saturating_sub(made[0]).as_secs_f64();
        let used = 1_010.0 / took;
        assert!(used >= 0.95, "{processes}: {used} of the quota");
        // Who waits says so; and once or twice more, where others came before it.
        let rows = world.rows().await;
        assert!(rows.iter().all(|row| row.revision <= 6));
    }
}

/// The same where it is the calls at the same time that are limited: of the places, each tenant has its half.
#[tokio::test(start_paused = true)]
async fn a_few_assets_have_their_share_of_the_places_beside_thousands_of_another() {
    let since = Duration::from_secs(10);
    for (limits, most, places) in [("concurrency=1", 1, 1.0), ("concurrency=4", 4, 4.0)] {
        for (processes, flows) in [(1, 3_000), (5, 700)] {
            let what = format!("{limits}, {processes}");
            let (came, took, world) = ten_beside(flows, since, processes, limits, QUICK).await;
            // Of two that wait, each has half of the places. Not all calls are as long, and some had a place before.
            let others = world.vendor.made_for(&world.first()[0].tenant);
            let meanwhile = came..=came + took;
            let others = others.iter().filter(|at| meanwhile.contains(at)).count();
            // Where processes are apart, who waits sleeps for a second or two, and others go on meanwhile.
            let most_beside = if processes == 1 { 20 } else { 100 };
            assert!(others <= most_beside, "{what}: {others} beside ten");
            world.work_to_the_end().await;
            assert_all_done_at_once(&world.rows().await);
            assert!(world.vendor.most_at_once() <= most, "{what}");
            // The places were in use all the time. Each flow is fetched for 150 ms in the middle, and called for 200.
            let made = world.vendor.times(Answer::Made);
            let took = made.last().unwrap().saturating_sub(made[0]).as_secs_f64();
            let possible = f64::from(flows + 10) * 0.35 / places;
            if processes == 1 {
                assert!(took < 1.05 * possible, "{what}: {took}, {possible}");
                // However many wait, they look no more often than is needed for that.
                #[expect(clippy::cast_precision_loss)]
                let looks = world.sent() as f64 / took;
                assert!(looks < 120.0, "{what}: {looks} a second");
            } else {
                let writes = world.gates.writes();
                let most = 2 * u64::from(flows + 10) + 100;
                assert!(writes <= most, "{what}: {writes}");
            }
        }
    }
}

/// The same at a vendor that is slow, whose places become free seldom: among several processes, nobody can be called.
#[tokio::test(start_paused = true)]
async fn a_few_assets_have_their_share_of_a_slow_vendor() {
    for processes in [1, 5] {
        let limits = "concurrency=4";
        let (_, alone, _) = ten_beside(0, SLOW, processes, limits, SLOW).await;
        let (came, beside, world) = ten_beside(1_000, 6 * SLOW, processes, limits, SLOW).await;
        // Until the last is made, and not until it begins.
        let (alone, beside) = (alone + SLOW, beside + SLOW);
        assert!(
            beside <= alone * 5 / 2,
            "{processes}: {beside:?}, {alone:?}"
        );
        let others = world.vendor.made_for(&world.first()[0].tenant);
        let meanwhile = came..=came + beside;
        let others = others.iter().filter(|at| meanwhile.contains(at)).count();
        assert!(others <= 25, "{processes}: {others} beside ten");
    }
}

/// With a rate that is not what is short, beside the places: they are handed from one to the other, and stay in use.
#[tokio::test(start_paused = true)]
async fn tenants_share_the_places_of_a_vendor_that_has_a_rate_too() {
    for limits in ["rate=20/s,concurrency=1", "rate=20/s,concurrency=3"] {
        let world = World::with_processes(5, 400, Vendor::limited(limits, None)).await;
        world.accept(&newcomer(), 400).await;
        world.work_for(MINUTE).await;
        let of_it = world.vendor.made_for(&newcomer()).len();
        let of_other = world.vendor.made_for(&world.first()[0].tenant).len();
        assert!(of_it + of_other >= 60, "{limits}: {of_it} and {of_other}");
        assert!(
            of_it <= 3 * of_other && of_other <= 3 * of_it,
            "{limits}: {of_it} and {of_other}"
        );
    }
}

/// Who comes with one asset after the other has a place left for each, and no more: the others are in use.
#[tokio::test(start_paused = true)]
async fn single_assets_of_one_tenant_keep_no_places_idle() {
    let mut made = Vec::new();
    for comes in [false, true] {
        let vendor = Vendor::limited("concurrency=4", None);
        let world = World::with_processes(8, 3_000, vendor).await;
        world.work_for(Duration::from_secs(20)).await;
        let before = world.vendor.calls().len();
        for _ in 0..20 {
            if comes {
                world.accept(&newcomer(), 1).await;
            }
            world.work_for(Duration::from_secs(3)).await;
        }
        made.push(world.vendor.calls().len() - before);
        let of_it = world.vendor.made_for(&newcomer()).len();
        assert!(!comes || of_it >= 19, "{of_it}");
    }
    // Nothing but these is short of looks, which come by chance.
    assert!(5 * made[1] >= 3 * made[0], "{made:?}");
}

/// Who cancels what waits has the turns for what comes next, and nobody else loses one by it.
#[tokio::test(start_paused = true)]
async fn what_is_cancelled_leaves_its_line() {
    for processes in [1, 3] {
        let vendor = || Vendor::limited("rate=60/min", Some((60, MINUTE)));
        let world = match processes {
            1 => World::new(2_000, vendor()).await,
            more => World::with_processes(more, 2_000, vendor()).await,
        };
        world.work_for(MINUTE).await;
        world.accept(&newcomer(), 60).await;
        world.work_for(MINUTE / 6).await;
        let before = world.vendor.made_for(&newcomer()).len();
        world.cancel(world.first()).await;
        let came = world.vendor.elapsed();
        let next = world.accept(&world.first()[0].tenant, 10).await;
        world.work_for(MINUTE).await;
        let made = world.vendor.made_for(&next[0].tenant);
        let since: Vec<_> = made.into_iter().filter(|at| *at > came).collect();
        assert_eq!(since.len(), next.len(), "{processes}");
        let took = since[9].saturating_sub(came);
        assert!(took < MINUTE / 2, "{processes}: {took:?}");
        let others = world.vendor.made_for(&newcomer()).len() - before;
        assert!(others >= 28, "{processes}: {others}");
        assert_eq!(world.vendor.times(Answer::TooMany).len(), 0);
    }
}
