//! What changes ask of DynamoDB, and what they leave alone, at an emulator that needs no installation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "rows/asset.rs"]
mod asset;
mod emulators;
#[path = "rows/guesses.rs"]
mod guesses;
#[path = "rows/versions.rs"]
mod versions;
#[path = "rows/world.rs"]
mod world;

use std::future::Future;

use libtest_mimic::{Arguments, Trial};

use crate::world::World;

const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";

fn main() {
    if std::env::var_os(ENDPOINT).is_none() {
        let ended = emulators::run_again_with_emulators();
        std::process::exit(ended.code().unwrap_or(1));
    }
    let trials = vec![
        trial(
            "right_guesses_read_nothing",
            guesses::right_guesses_read_nothing,
        ),
        trial(
            "wrong_guesses_read_nothing",
            guesses::wrong_guesses_read_nothing,
        ),
        trial(
            "what_changes_nothing_is_read",
            guesses::what_changes_nothing_is_read,
        ),
        trial(
            "what_a_newer_version_knows_is_kept",
            versions::what_a_newer_version_knows_is_kept,
        ),
        trial("an_older_row_is_changed", versions::an_older_row_is_changed),
        trial(
            "what_has_no_business_is_removed",
            versions::what_has_no_business_is_removed,
        ),
        trial(
            "a_guess_of_a_row_that_expired_is_none",
            guesses::a_guess_of_a_row_that_expired_is_none,
        ),
        trial(
            "completed_work_keeps_what_is_not_known",
            versions::completed_work_keeps_what_is_not_known,
        ),
        trial(
            "a_free_asset_makes_four_calls",
            asset::a_free_asset_makes_four_calls,
        ),
        trial(
            "a_paid_asset_makes_six_calls",
            asset::a_paid_asset_makes_six_calls,
        ),
        trial(
            "a_rate_makes_one_write_more_and_waiting_another",
            asset::a_rate_makes_one_write_more_and_waiting_another,
        ),
        trial(
            "a_place_makes_one_write_more",
            asset::a_place_makes_one_write_more,
        ),
        trial(
            "a_rate_and_places_make_no_more_writes_than_a_rate",
            asset::a_rate_and_places_make_no_more_writes_than_a_rate,
        ),
        trial(
            "ten_together_share_the_write_of_their_slots",
            asset::ten_together_share_the_write_of_their_slots,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

fn trial<Case>(name: &str, case: fn(World) -> Case) -> Trial
where
    Case: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async { case(World::new().await).await });
        Ok(())
    })
}
