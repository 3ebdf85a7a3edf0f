//! One tenant beside another at the same vendor.

use std::time::Duration;

use crate::world::{Answer, Vendor, World, newcomer};
use crate::{MINUTE, assert_all_done_at_once};

/// How long ten assets take at a vendor for which `others` of another tenant wait since two minutes.
async fn ten_beside(others: u32, processes: usize, limits: &str) -> (Duration, World) {
    let allows = limits.starts_with("rate=60/min").then_some((60, MINUTE));
    let vendor = Vendor::limited(limits, allows);
    let world = match processes {
        1 => World::new(others, vendor).await,
        more => World::with_processes(more, others, vendor).await,
    };
    world.work_for(2 * MINUTE).await;
    let came = world.vendor.elapsed();
    world.accept(&newcomer(), 10).await;
    world.work_for(5 * MINUTE).await;
    let made = world.vendor.made_for(&newcomer());
    assert_eq!(made.len(), 10, "{limits}, {processes} processes");
    (made[9] - came, world)
}

/// However many of another wait, ten take no more than twice as long as alone; nobody's quota is used up for it, nor
/// anybody's place lost.
#[tokio::test(start_paused = true)]
async fn a_few_assets_take_twice_as_long_as_alone_beside_thousands_of_another() {
    for processes in [1, 5] {
        let limits = "rate=60/min";
        let (alone, _) = ten_beside(0, processes, limits).await;
        let (beside, world) = ten_beside(1_000, processes, limits).await;
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
