//! Files, folders, URLs and lists, as a command line names them.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use assetmill_core::Sha256Digest;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use url::Url;
use walkdir::WalkDir;

use super::list;
use super::source::{Line, Origin, Source, as_text};

/// Why the sources can't be told.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder can't be read.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A list can't be read.
    #[error("{list}:{line}: {reason}")]
    List {
        /// Which.
        list: String,
        /// Where.
        line: u64,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A pattern is none.
    #[error("--include: {0}")]
    Pattern(#[from] globset::Error),
    /// There is nothing to process.
    #[error(
        "there is no file in {places} that is called {endings}; say which with --include '*.ext'"
    )]
    Nothing {
        /// Where it was looked for.
        places: String,
        /// What would be taken.
        endings: String,
    },
    /// The lists have nothing in them.
    #[error("{0} lists nothing; give a source in each line")]
    Empty(String),
}

/// Which files of a folder are taken.
#[derive(Debug)]
pub(crate) struct Taken {
    patterns: GlobSet,
    shown: String,
    /// The folder of what comes out: what is in it is no source.
    out: PathBuf,
}

impl Taken {
    /// Those that match a pattern; without one, those that end as the operation wants them, and all where it takes
    /// anything.
    pub(crate) fn new(
        include: &[String],
        accepts: &[&'static str],
        out: &Path,
    ) -> Result<Self, SourceError> {
        let endings = accepts
            .iter()
            .flat_map(|ending| std::iter::once(*ending).chain(also(ending)))
            .map(|ending| format!("*.{ending}"));
        let patterns: Vec<String> = match include {
            [] if accepts.is_empty() => vec!["*".to_owned()],
            [] => endings.collect(),
            include => include.to_vec(),
        };
        let mut set = GlobSetBuilder::new();
        for pattern in &patterns {
            set.add(GlobBuilder::new(pattern).case_insensitive(true).build()?);
        }
        Ok(Self {
            patterns: set.build()?,
            shown: patterns.join(", "),
            out: out.canonicalize().unwrap_or_else(|_| out.to_owned()),
        })
    }

    /// Whether an earlier run wrote it.
    fn is_output(&self, source: &Source, wrote: impl Fn(&str) -> bool) -> bool {
        let relative = source.file().and_then(|path| {
            let relative = path.strip_prefix(&self.out).ok()?;
            relative.to_str()
        });
        relative.is_some_and(wrote)
    }

    fn takes(&self, relative: &Path) -> bool {
        let name = relative.file_name().map(Path::new);
        self.patterns.is_match(relative) || name.is_some_and(|name| self.patterns.is_match(name))
    }
}

/// Other endings that the same files have.
fn also(ending: &str) -> Option<&'static str> {
    match ending {
        "jpg" => Some("jpeg"),
        "tiff" => Some("tif"),
        _ => None,
    }
}

/// All sources, each once, in the order of the command line; those of a folder by their paths, without what an earlier run
/// wrote there (`wrote`, by its path below the folder of outputs).
pub(crate) fn gather(
    places: &[String],
    taken: &Taken,
    wrote: impl Fn(&str) -> bool,
) -> Result<Vec<Source>, SourceError> {
    let folders = places.iter().filter(|place| Path::new(place).is_dir());
    let folders = folders.count();
    let several = folders > 1;
    let mut sources = Vec::new();
    for place in places {
        if place == "-" {
            sources.extend(list::of_stdin()?);
        } else if let Some(path) = place.strip_prefix('@') {
            sources.extend(list::of_file(Path::new(path))?);
        } else {
            one(place, None, several, taken, &mut sources)?;
        }
    }
    let mut seen = HashSet::new();
    sources.retain(|source| !taken.is_output(source, &wrote) && seen.insert(source.origin.clone()));
    if sources.is_empty() && folders == 0 {
        return Err(SourceError::Empty(places.join(", ")));
    }
    if sources.is_empty() {
        return Err(SourceError::Nothing {
            places: places.join(", "),
            endings: taken.shown.clone(),
        });
    }
    Ok(sources)
}

fn one(
    place: &str,
    line: Option<Line>,
    several: bool,
    taken: &Taken,
    sources: &mut Vec<Source>,
) -> Result<(), SourceError> {
    if is_url(place) {
        sources.push(of_url(place, line));
        return Ok(());
    }
    let path = Path::new(place);
    let failed = |source| SourceError::File {
        path: path.to_owned(),
        source,
    };
    if path.metadata().map_err(failed)?.is_dir() {
        return of_folder(path, several, taken, sources);
    }
    sources.push(of_file(path, PathBuf::new(), line).map_err(failed)?);
    Ok(())
}

/// A source of a list: a URL, or a file.
pub(super) fn of_line(place: &str, line: Line) -> Result<Source, io::Error> {
    if is_url(place) {
        return Ok(of_url(place, Some(line)));
    }
    of_file(Path::new(place), PathBuf::new(), Some(line))
}

pub(super) fn is_url(place: &str) -> bool {
    place.contains("://") || place.starts_with("asset:")
}

fn of_folder(
    root: &Path,
    several: bool,
    taken: &Taken,
    sources: &mut Vec<Source>,
) -> Result<(), SourceError> {
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let within = |path: &Path| path.canonicalize().is_ok_and(|path| path == taken.out);
    let entries = WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let is_out = || entry.file_type().is_dir() && within(entry.path());
            entry.depth() == 0 || !hidden(entry.file_name()) && !is_out()
        });
    for entry in entries {
        // What can't be looked at is a source that fails, and keeps no other from being done.
        let (path, is_taken) = match &entry {
            Ok(entry) => (entry.path(), entry.file_type().is_file()),
            Err(error) => (error.path().unwrap_or(root), true),
        };
        let relative = path.strip_prefix(root).unwrap_or(path);
        if !is_taken || entry.is_ok() && !taken.takes(relative) {
            continue;
        }
        let mut folder = relative.parent().unwrap_or(Path::new("")).to_owned();
        if several && let Some(name) = root.file_name() {
            folder = Path::new(name).join(folder);
        }
        let source = of_file(path, folder, None);
        sources.push(source.map_err(|source| SourceError::File {
            path: path.to_owned(),
            source,
        })?);
    }
    Ok(())
}

fn of_file(path: &Path, folder: PathBuf, line: Option<Line>) -> io::Result<Source> {
    // A link is a source of its own; two ways to it are one.
    let absolute = std::path::absolute(path)?;
    let folder_of_it = absolute
        .parent()
        .and_then(|above| above.canonicalize().ok());
    let canonical = folder_of_it
        .zip(absolute.file_name())
        .map(|(above, name)| above.join(name));
    Ok(Source {
        origin: Origin::File(canonical.unwrap_or(absolute)),
        shown: path.display().to_string(),
        line,
        folder,
        file_name: path.file_name().map(as_text).unwrap_or_default(),
    })
}

/// A URL's folder is its host with the folders of its path. What it asks for beyond its path makes it another file.
fn of_url(text: &str, line: Option<Line>) -> Source {
    let url = Url::parse(text).ok();
    let url = url.as_ref();
    let mut segments: Vec<String> = url
        .and_then(Url::path_segments)
        .into_iter()
        .flatten()
        .filter(|segment| !segment.is_empty())
        .map(ToOwned::to_owned)
        .collect();
    let mut file_name = segments.pop().unwrap_or_else(|| "index".to_owned());
    if url.is_some_and(|url| url.query().is_some()) {
        let digest = Sha256Digest::of(text.as_bytes()).to_string();
        let (stem, ending) = match file_name.rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
            _ => (&file_name[..], String::new()),
        };
        file_name = format!("{stem}-{}{ending}", &digest[..8]);
    }
    let host = url.and_then(Url::host_str).unwrap_or_default().to_owned();
    Source {
        origin: Origin::Url(text.to_owned()),
        shown: text.to_owned(),
        line,
        folder: std::iter::once(host).chain(segments).collect(),
        file_name,
    }
}
