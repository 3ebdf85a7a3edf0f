//! Assetmill on one machine: the ports on SQLite and a folder, and the program that serves them.

pub mod store;
