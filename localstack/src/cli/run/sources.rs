//! Files, folders, URLs and lists, as a command line names them.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use assetmill_core::Sha256Digest;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use url::Url;
use walkdir::WalkDir;

use super::list;
use super::source::{Line, Origin, Source};

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
        "there is no file in {places} that ends in {endings}; say which with --include '*.ext'"
    )]
    Nothing {
        /// Where it was looked for.
        places: String,
        /// What would be taken.
        endings: String,
    },
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
            out: std::path::absolute(out).unwrap_or_else(|_| out.to_owned()),
        })
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

/// All sources, each once, in the order of the command line; those of a folder by their paths.
pub(crate) fn gather(places: &[String], taken: &Taken) -> Result<Vec<Source>, SourceError> {
    let folders = places.iter().filter(|place| Path::new(place).is_dir());
    let several = folders.count() > 1;
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
    sources.retain(|source| seen.insert(source.origin.clone()));
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

fn is_url(place: &str) -> bool {
    place.contains("://") || place.starts_with("asset:")
}

fn of_folder(
    root: &Path,
    several: bool,
    taken: &Taken,
    sources: &mut Vec<Source>,
) -> Result<(), SourceError> {
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let within = |path: &Path| std::path::absolute(path).is_ok_and(|path| path == taken.out);
    let entries = WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            entry.depth() == 0 || !hidden(entry.file_name()) && !within(entry.path())
        });
    for entry in entries {
        let entry = entry.map_err(|error| SourceError::File {
            path: error.path().unwrap_or(root).to_owned(),
            source: error.into(),
        })?;
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        if !entry.file_type().is_file() || !taken.takes(relative) {
            continue;
        }
        let mut folder = relative.parent().unwrap_or(Path::new("")).to_owned();
        if several && let Some(name) = root.file_name() {
            folder = Path::new(name).join(folder);
        }
        let source = of_file(entry.path(), folder, None);
        sources.push(source.map_err(|source| SourceError::File {
            path: entry.path().to_owned(),
            source,
        })?);
    }
    Ok(())
}

fn of_file(path: &Path, folder: PathBuf, line: Option<Line>) -> io::Result<Source> {
    Ok(Source {
        origin: Origin::File(std::path::absolute(path)?),
        shown: path.display().to_string(),
        line,
        folder,
        file_name: path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
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
