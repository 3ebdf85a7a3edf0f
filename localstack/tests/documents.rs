//! What README and docs show can be pasted: their TOML is a catalogue, their JSON is JSON, their shell lines
//! are shell, and the program takes the options that they give it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assetmill::config::Config;
use assetmill_api::CallerTable;
use assetmill_fetch::{AllowList, GuardedClient};
use assetmill_images::{Bounds, Codecs};
use clap::Parser as _;
use toml::Table;

struct Block {
    /// Its file and line.
    place: String,
    language: String,
    text: String,
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                found.push(path);
            }
        }
    }
    found.push(root.join("README.md"));
    found
}

/// The fenced blocks of all documents that are in this language.
fn blocks(language: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), open.take()) {
                (Some(language), None) => {
                    open = Some(Block {
                        place: format!("{}:{}", path.display(), number + 1),
                        language: language.to_owned(),
                        text: String::new(),
                    });
                }
                (Some(_), Some(block)) => blocks.push(block),
                (None, Some(mut block)) => {
                    block.text.extend([line, "\n"]);
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{} ends within a block", path.display());
    }
    blocks.retain(|block| block.language == language);
    assert!(blocks.len() > 2, "{language} is not found");
    blocks
}

/// What the documents show beside each other, and the shipped transforms that their chains name, is one
/// catalogue. What names tenants is a file of callers.
#[test]
fn toml_is_a_catalogue() {
    let shipped = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../operations.toml"));
    let mut all: Table = toml::from_str(&shipped.unwrap()).unwrap();
    let operations = all["operations"].as_table_mut().unwrap();
    operations.retain(|_, operation| operation.get("transform").is_some());
    for block in blocks("toml") {
        let shown: Table =
            toml::from_str(&block.text).unwrap_or_else(|error| panic!("{}: {error}", block.place));
        if shown.contains_key("tenants") {
            CallerTable::parse(&block.text)
                .unwrap_or_else(|error| panic!("{}: {error}", block.place));
            continue;
        }
        for (name, operation) in shown["operations"].as_table().unwrap() {
            operations.insert(name.clone(), operation.clone());
        }
    }
    let client = GuardedClient::new(AllowList::default()).unwrap();
    let codecs = Codecs::in_process(Bounds::default());
    let text = toml::to_string(&all).unwrap();
    assetmill_catalogue::load(&text, "documents", &client, &codecs, &|_| None).unwrap();
}

#[test]
fn json_is_json() {
    for block in blocks("json") {
        serde_json::from_str::<serde_json::Value>(&block.text)
            .unwrap_or_else(|error| panic!("{}: {error}", block.place));
    }
}

#[test]
fn shell_is_shell() {
    for block in blocks("sh") {
        let mut shell = Command::new("bash")
            .arg("-n")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = shell.stdin.take().unwrap();
        input.write_all(block.text.as_bytes()).unwrap();
        drop(input);
        let output = shell.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", block.place);
    }
}

#[test]
fn the_program_takes_the_options_it_is_given() {
    let mut lines = 0;
    for block in blocks("sh") {
        for line in block.text.lines() {
            // What stands before is for cargo.
            let run = line.trim().strip_prefix("cargo run ");
            let Some((_, arguments)) = run.and_then(|rest| rest.split_once("-- ")) else {
                continue;
            };
            lines += 1;
            let arguments = ["assetmill"]
                .into_iter()
                .chain(arguments.split_whitespace());
            Config::try_parse_from(arguments)
                .unwrap_or_else(|error| panic!("{}: {line}: {error}", block.place));
        }
    }
    assert!(lines > 2);
}
