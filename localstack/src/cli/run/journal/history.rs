//! What the lines of a journal come to.

use std::collections::{HashMap, HashSet};

use assetmill_client::FlowError;

use super::entry::{Entry, Item, Job, Stamped, Written};

/// What earlier runs did, and what they left open.
#[derive(Debug, Default)]
pub(crate) struct History {
    chunks: HashMap<String, (Job, OpenChunk)>,
    /// In the order in which they were begun.
    order: Vec<String>,
    hashes: HashMap<String, Stamped>,
    uploads: HashMap<(String, String), (String, String)>,
    written: HashMap<(String, String), Written>,
    failed: HashMap<(String, String), (FlowError, bool)>,
    /// Which work on which source wrote a file last.
    outputs: HashMap<String, (String, String)>,
}

/// A batch that was begun, and some of which nobody has seen the end of.
#[derive(Debug, Clone)]
pub(crate) struct OpenChunk {
    pub(crate) key: String,
    pub(crate) items: Vec<Item>,
    /// The ids of its flows, where it is known to be started.
    pub(crate) flow_ids: Option<Vec<String>>,
    pub(crate) settled: HashSet<usize>,
}

impl History {
    pub(crate) fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Uploaded {
                server,
                sha256,
                asset,
                expires_at,
            } => {
                self.uploads.insert((server, sha256), (asset, expires_at));
            }
            Entry::Submitting { chunk, job, items } => {
                for item in &items {
                    if let Some(file) = &item.file {
                        self.hashes.insert(item.source.clone(), file.clone());
                    }
                }
                self.order.push(chunk.clone());
                let begun = OpenChunk {
                    key: chunk.clone(),
                    items,
                    flow_ids: None,
                    settled: HashSet::new(),
                };
                self.chunks.insert(chunk, (job, begun));
            }
            Entry::Accepted {
                chunk, flow_ids, ..
            } => {
                if let Some((_, chunk)) = self.chunks.get_mut(&chunk) {
                    chunk.flow_ids = Some(flow_ids);
                }
            }
            Entry::Written {
                chunk,
                index,
                written,
            } => {
                if let Some(item) = self.settle(&chunk, index) {
                    let what = item.what();
                    let by = (item.work, item.source);
                    self.outputs.insert(written.output.clone(), by);
                    self.failed.remove(&what);
                    self.written.insert(what, written);
                }
            }
            Entry::Superseded { chunk, index } => {
                self.settle(&chunk, index);
            }
            Entry::Failed {
                chunk,
                index,
                error,
                unconfirmed,
            } => {
                if let Some(item) = self.settle(&chunk, index) {
                    self.failed.insert(item.what(), (error, unconfirmed));
                }
            }
        }
    }

    fn settle(&mut self, chunk: &str, index: usize) -> Option<Item> {
        let (_, chunk) = self.chunks.get_mut(chunk)?;
        chunk.settled.insert(index);
        chunk.items.get(index).cloned()
    }

    /// What is left open of this job, the earliest first.
    pub(crate) fn open(&self, job: &Job) -> Vec<OpenChunk> {
        let open = |key: &String| {
            let (of, chunk) = &self.chunks[key];
            let open = of == job && chunk.settled.len() < chunk.items.len();
            open.then(|| chunk.clone())
        };
        self.order.iter().filter_map(open).collect()
    }

    /// Where outputs of this job went, by their sources.
    pub(crate) fn names(&self, job: &Job) -> HashMap<String, String> {
        let of_job = self.order.iter().map(|key| &self.chunks[key]);
        let of_job =
            of_job.filter(|(of, _)| (&of.operation, &of.params) == (&job.operation, &job.params));
        of_job
            .flat_map(|(_, chunk)| &chunk.items)
            .map(|item| (item.source.clone(), item.name.clone()))
            .collect()
    }

    /// What was in a file when it was last read.
    pub(crate) fn hash(&self, source: &str) -> Option<&Stamped> {
        self.hashes.get(source)
    }

    /// Where a server keeps a file with these bytes, and until when at the least.
    pub(crate) fn upload(&self, server: &str, sha256: &str) -> Option<&(String, String)> {
        self.uploads.get(&(server.to_owned(), sha256.to_owned()))
    }

    /// The output of this work under this name, if no other has taken its place.
    pub(crate) fn written(&self, work: &str, name: &str) -> Option<&Written> {
        let written = self.written.get(&(work.to_owned(), name.to_owned()))?;
        (self.outputs.get(&written.output)?.0 == work).then_some(written)
    }

    /// Why there is none, and whether somebody may have been paid for it.
    pub(crate) fn failed(&self, work: &str, name: &str) -> Option<&(FlowError, bool)> {
        self.failed.get(&(work.to_owned(), name.to_owned()))
    }

    /// Whether a run wrote this file, of this source.
    pub(crate) fn wrote_of(&self, output: &str, source: &str) -> bool {
        let by = self.outputs.get(output);
        by.is_some_and(|(_, of)| of == source)
    }

    /// Whether a run wrote this file.
    pub(crate) fn wrote(&self, output: &str) -> bool {
        self.outputs.contains_key(output)
    }
}

impl OpenChunk {
    /// What of it nobody has seen the end of.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = &Item> {
        let items = self.items.iter().enumerate();
        items.filter_map(|(index, item)| (!self.settled.contains(&index)).then_some(item))
    }
}

impl Item {
    /// What is done, and where it goes.
    pub(crate) fn what(&self) -> (String, String) {
        (self.work.clone(), self.name.clone())
    }
}
