//! Assetmill on one machine: the program that serves the ports on SQLite and a folder, or those on
//! AWS.

pub mod adapters;
pub mod app;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(not(feature = "aws"))]
#[path = "without_aws.rs"]
pub mod aws;
pub mod callers;
pub mod cli;
pub mod config;
mod descriptors;
pub mod gate;
mod heap;
pub mod keys;
pub mod links;
mod materials;
pub mod samples;
pub mod serve;
pub mod server;
pub mod signals;
mod stopping;
pub mod try_operation;
pub mod workers;
mod working;
