//! What a call of v1 made is answered from memory, though it is stored; unless it has to wait there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assetmill_api::InFlight;
use assetmill_contract::memory::MemoryOutputs;
use assetmill_core::ports::{OutputWrites, Unavailable};
use assetmill_core::{MediaType, OutputKey};
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;

use super::world::{ASSET, LARGE, World};

const PATH: &str = "/api/v1/transform";
const PRODUCT: &str = "the asset /coffee.png";

/// Counts how often outputs are stored and read.
#[derive(Default)]
struct Counted {
    outputs: MemoryOutputs,
    puts: AtomicUsize,
    gets: AtomicUsize,
}

impl Counted {
    fn puts_and_gets(&self) -> (usize, usize) {
        let count = |it: &AtomicUsize| it.load(Ordering::SeqCst);
        (count(&self.puts), count(&self.gets))
    }
}

#[async_trait]
impl OutputWrites for Counted {
    async fn put(
        &self,
        key: &OutputKey,
        content: Bytes,
        media_type: &MediaType,
    ) -> Result<(), Unavailable> {
        self.puts.fetch_add(1, Ordering::SeqCst);
        self.outputs.put(key, content, media_type).await
    }

    async fn size(&self, key: &OutputKey) -> Result<Option<u64>, Unavailable> {
        self.outputs.size(key).await
    }

    async fn get(&self, key: &OutputKey) -> Result<Option<Bytes>, Unavailable> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.outputs.get(key).await
    }
}

fn counting(mut world: World) -> (World, Arc<Counted>) {
    let outputs = Arc::new(Counted::default());
    world.state.outputs = outputs.clone();
    world.state.answer.work.process.outputs = outputs.clone();
    (world, outputs)
}

fn order() -> String {
    json!({ "digital_asset_url": ASSET }).to_string()
}

#[tokio::test]
async fn what_was_paid_for_is_stored_and_not_read_for_its_caller() {
    let (world, outputs) = counting(World::paid());
    let answer = world.post(PATH, order()).await;
    assert_eq!(
        (answer.status.as_u16(), outputs.puts_and_gets()),
        (200, (1, 0))
    );
    assert_eq!(answer.bytes, PRODUCT);
    // What another call made has to be.
    let again = world.post(PATH, order()).await;
    assert_eq!(
        (again.status.as_u16(), outputs.puts_and_gets()),
        (200, (1, 1))
    );
    assert_eq!(again.bytes, PRODUCT);
}

#[tokio::test]
async fn so_is_what_a_request_with_a_key_made() {
    let (world, outputs) = counting(World::paid());
    let answer = world.post_keyed("once", PATH, &order()).await;
    assert_eq!(
        (answer.status.as_u16(), outputs.puts_and_gets()),
        (200, (1, 0))
    );
    assert_eq!(answer.bytes, PRODUCT);
}

#[tokio::test]
async fn what_is_too_large_for_an_answer_is_stored_once() {
    for world in [World::paid(), World::new()] {
        let (mut world, outputs) = counting(world);
        world.state.max_inline_bytes = Some(20);
        let answer = world.post(PATH, order()).await;
        assert_eq!(
            (answer.status.as_u16(), outputs.puts_and_gets()),
            (303, (1, 0))
        );
    }
}

/// Callers who read slowly may be many: what waits for them has the room of its asset, or is not in memory.
#[tokio::test]
async fn what_waits_for_its_caller_is_stored_where_its_asset_has_no_room_for_it() {
    for (world, times, stored) in [
        (World::paid(), 1, 1),
        (World::new(), 1, 0),
        (World::new(), 2, 0),
        (World::new(), 3, 1),
    ] {
        let (mut world, outputs) = counting(world);
        world.state.in_flight = InFlight::new(10 * LARGE as u64);
        let in_flight = world.state.in_flight.of(&"default".parse().unwrap());
        // What is left is enough to ask.
        let others = in_flight.try_hold(in_flight.bytes() - LARGE as u64 / 2);
        let order = json!({
            "digital_asset_url": "https://assets.test/large",
            "params": { "times": times },
        });
        let waits = async {
            for _ in 0..10_000 {
                tokio::task::yield_now().await;
            }
            assert_eq!(outputs.puts_and_gets(), (stored, 0), "{times}");
            drop(others);
        };
        let (answer, ()) = tokio::join!(world.post(PATH, order.to_string()), waits);
        assert_eq!(
            (answer.status.as_u16(), outputs.puts_and_gets()),
            (200, (stored, stored))
        );
        assert_eq!(answer.bytes.len(), times * LARGE);
    }
}
