//! The real program, started as its users start it, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod activity;
mod assets;
mod bad_input;
mod batches;
mod commands;
mod doctor;
mod expiry;
mod fairness;
mod folder;
mod greedy;
mod heads;
mod idempotency;
mod jobs;
mod keys;
mod kill;
mod limits;
mod listening;
mod login;
mod lying_assets;
mod manual;
mod migrations;
mod origins;
mod quarantine;
mod retries;
mod run_command;
mod service;
mod single;
mod start;
mod stopping;
mod support;
mod tenants;
mod try_operation;
mod uploads;
mod vendor;
mod webhooks;
