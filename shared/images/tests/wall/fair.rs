//! What one tenant asks for, it does not take from others.

use assetmill_images::{Bounds, Transform};
use serde_json::json;
use tokio::task::JoinSet;

use crate::deaths::{AT_WORK, slow};
use crate::pictures;
use crate::processes::{busy, children, cores, ready};
use crate::support::{Wall, block_on};

/// Of a tenant whose pictures take all its memory, and of one whose pictures take all cores.
pub(crate) fn others_go_on() {
    let content = slow();
    let price = {
        let wall = Wall::new();
        block_on(wall.run(Transform::Optimize, json!({}), &content)).unwrap();
        wall.spent()[0].reserved
    };
    for memory in [price, 100 * price] {
        let wall = Wall::with(Bounds {
            memory,
            memory_of_others: price,
            ..Bounds::default()
        });
        ready(cores());
        block_on(async {
            let mut greedy = JoinSet::new();
            for _ in 0..3 * cores() {
                let (wall, content) = (wall.clone(), content.clone());
                greedy.spawn(async move {
                    let tenant = "greedy";
                    wall.run_for(tenant, Transform::Optimize, json!({}), &content)
                        .await
                });
            }
            let at_work = tokio::task::spawn_blocking(|| busy(AT_WORK));
            at_work.await.unwrap();
            let small = pictures::png(60, 40, 2, 8);
            let made = wall.run_for("other", Transform::Thumbnail, json!({}), &small);
            made.await.unwrap();
            assert!(greedy.try_join_next().is_none(), "nobody was in the way");
        });
        // Those that were begun for the other tenant end when nobody needs them.
        while children().len() > cores() {
            std::thread::yield_now();
        }
    }
}
