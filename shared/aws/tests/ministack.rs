//! The contract suite on AWS's protocols at the server that `AWS_ENDPOINT_URL` names: MiniStack in CI.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use assetmill_aws::Clients;
use assetmill_contract::suite::{Part, run_parts};

fn main() {
    let endpoint = std::env::var("AWS_ENDPOINT_URL");
    endpoint
        .expect("AWS_ENDPOINT_URL names no server; these cases never run on an account by mistake");
    run_parts("aws", &Part::ALL, &[], || async {
        let clients = Clients::from_env().await;
        let names = support::names();
        let queues = support::queues(&clients, &names).await;
        support::adapters(&clients, &names, queues).await
    })
}
