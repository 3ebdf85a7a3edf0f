//! Where what comes out is written.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Component, Path};
use std::str::FromStr;

use super::source::Source;

/// A name of the file system may have 255 bytes on most of them; the ending, and the name while it is written, need some.
const LONGEST_NAME: usize = 200;

/// How names of outputs are made of those of their sources. What comes out has an ending of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameTemplate(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Folder,
    Stem,
    FileName,
    Operation,
}

const PLACES: &[(&str, Part)] = &[
    ("dir", Part::Folder),
    ("stem", Part::Stem),
    ("file", Part::FileName),
    ("operation", Part::Operation),
];

/// The text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotATemplate {
    /// It has an unknown place.
    #[error("{{{0}}} stands for nothing; there are {{dir}}, {{stem}}, {{file}} and {{operation}}")]
    Unknown(String),
    /// A brace is left open.
    #[error("a {{ has no }}")]
    Open,
    /// All outputs would have one name.
    #[error("every output would have the same name; use {{stem}} or {{file}} in it")]
    Same,
    /// It leads out of the folder.
    #[error("names are below the folder of outputs; leave out .. and a leading /")]
    Outside,
}

impl FromStr for NameTemplate {
    type Err = NotATemplate;

    fn from_str(text: &str) -> Result<Self, NotATemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(NotATemplate::Open)?;
            let known = PLACES.iter().find(|(known, _)| *known == name);
            let (_, part) = known.ok_or_else(|| NotATemplate::Unknown(name.to_owned()))?;
            parts.extend([Part::Text(before.to_owned()), part.clone()]);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        if !parts
            .iter()
            .any(|part| matches!(part, Part::Stem | Part::FileName))
        {
            return Err(NotATemplate::Same);
        }
        let leads_out = |part: &str| part == "..";
        if text.starts_with('/') || text.split(['/', '\\']).any(leads_out) {
            return Err(NotATemplate::Outside);
        }
        Ok(Self(parts))
    }
}

impl Default for NameTemplate {
    fn default() -> Self {
        let slash = Part::Text("/".to_owned());
        Self(vec![Part::Folder, slash, Part::Stem])
    }
}

impl NameTemplate {
    fn fill(&self, source: &Source, stem: &str, operation: &str) -> String {
        let folder = || {
            let parts = source.folder.components().filter_map(|part| match part {
                Component::Normal(name) => Some(name.to_string_lossy()),
                _ => None,
            });
            parts.collect::<Vec<_>>().join("/")
        };
        let filled: String = self
            .0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Folder => folder(),
                Part::Stem => one_name(stem),
                Part::FileName => one_name(&source.file_name),
                Part::Operation => operation.to_owned(),
            })
            .collect();
        let names = filled.split('/').filter(|name| !name.is_empty());
        names.map(tame).collect::<Vec<_>>().join("/")
    }
}

/// A name that a source brings along is one name, and no path.
fn one_name(name: &str) -> String {
    name.replace('/', "_")
}

/// A name that every file system takes and that leads nowhere, whatever a URL had in its place.
fn tame(name: &str) -> String {
    let odd = |character: char| {
        character.is_control()
            || matches!(character, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
    };
    let mut tamed: String = name
        .chars()
        .map(|character| if odd(character) { '_' } else { character })
        .collect();
    while tamed.len() > LONGEST_NAME {
        tamed.pop();
    }
    // No file that is hidden, nor `..`.
    if tamed.starts_with('.') {
        tamed.replace_range(..1, "_");
    }
    tamed
}

/// Two sources would be written to the same place.
#[derive(Debug, thiserror::Error)]
#[error(
    "{first} and {second} would both be written to {name}; give them other names, or run them into two folders"
)]
pub struct SameName {
    first: String,
    second: String,
    name: String,
}

/// Where each source's output goes, below the folder of outputs and without its ending. `earlier` is where it went before,
/// by its identity, so that a source more changes no other's name.
pub(crate) fn assign(
    sources: &[Source],
    template: &NameTemplate,
    operation: &str,
    earlier: &HashMap<String, String>,
) -> Result<Vec<String>, SameName> {
    let short = |source: &Source| template.fill(source, source.stem(), operation);
    // Where only the endings tell two sources apart, they stay; where only the folders do, the last of them.
    let long = |source: &Source| template.fill(source, &source.file_name, operation);
    let longest = |source: &Source| {
        let above = source.file().and_then(Path::parent)?.file_name()?;
        let mut folder = source.folder.clone();
        folder.push(above);
        Some(template.fill(
            &Source {
                folder,
                ..source.clone()
            },
            &source.file_name,
            operation,
        ))
    };
    let mut users: HashMap<String, usize> = HashMap::new();
    for source in sources {
        *users.entry(short(source)).or_default() += 1;
    }
    let before = |source: &Source| {
        let name = earlier.get(&source.identity())?;
        let known = *name == short(source)
            || *name == long(source)
            || Some(name) == longest(source).as_ref();
        known.then(|| name.clone())
    };
    let taken: HashSet<String> = sources.iter().filter_map(before).collect();
    let mut users_of_long: HashMap<String, usize> = HashMap::new();
    for source in sources {
        *users_of_long.entry(long(source)).or_default() += 1;
    }
    let mut by_name: HashMap<String, &Source> = HashMap::new();
    let mut names = Vec::with_capacity(sources.len());
    for source in sources {
        let name = before(source).unwrap_or_else(|| {
            let name = short(source);
            if users[&name] == 1 && !taken.contains(&name) {
                return name;
            }
            let name = long(source);
            if users_of_long[&name] == 1 && !taken.contains(&name) {
                return name;
            }
            longest(source).unwrap_or(name)
        });
        if let Some(first) = by_name.insert(name.clone(), source) {
            return Err(SameName {
                first: first.to_string(),
                second: source.to_string(),
                name,
            });
        }
        names.push(name);
    }
    Ok(names)
}

/// A path below the folder of outputs.
pub(crate) fn with_ending(name: &str, ending: &str) -> String {
    format!("{name}.{ending}")
}

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(text)?,
                place => {
                    let known = PLACES.iter().find(|(_, part)| part == place);
                    write!(f, "{{{}}}", known.map_or("", |(name, _)| name))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::source::Origin;
    use super::*;

    fn source(folder: &str, file_name: &str) -> Source {
        let path = Path::new("/photos").join(folder).join(file_name);
        Source {
            shown: path.display().to_string(),
            origin: Origin::File(path),
            line: None,
            folder: PathBuf::from(folder),
            file_name: file_name.to_owned(),
        }
    }

    fn named(sources: &[Source], template: &str) -> Vec<String> {
        let template = template.parse().unwrap();
        assign(sources, &template, "thumbnail", &HashMap::new()).unwrap()
    }

    #[test]
    fn names_follow_the_template() {
        let sources = [source("a", "x.jpg"), source("", "y.tar.gz")];
        assert_eq!(named(&sources, "{dir}/{stem}"), ["a/x", "y.tar"]);
        assert_eq!(
            named(&sources, "{operation}/{file}-small"),
            ["thumbnail/x.jpg-small", "thumbnail/y.tar.gz-small"]
        );
    }

    #[test]
    fn endings_stay_where_they_tell_two_apart_and_later_ones_change_no_name() {
        let two = [source("", "x.jpg"), source("", "x.png")];
        assert_eq!(named(&two, "{dir}/{stem}"), ["x.jpg", "x.png"]);
        let earlier = HashMap::from([(two[0].identity(), "x".to_owned())]);
        let names = assign(&two, &NameTemplate::default(), "thumbnail", &earlier).unwrap();
        assert_eq!(names, ["x", "x.png"]);
    }

    #[test]
    fn folders_tell_apart_what_nothing_else_does() {
        let mut two = [source("a", "x.jpg"), source("b", "x.jpg")];
        for source in &mut two {
            source.folder = PathBuf::new();
        }
        assert_eq!(named(&two, "{dir}/{stem}"), ["a/x.jpg", "b/x.jpg"]);
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for text in ["../{stem}", "/{stem}", "a/../../{stem}"] {
            assert_eq!(text.parse::<NameTemplate>(), Err(NotATemplate::Outside));
        }
        let odd = [source("a/../..", "..")];
        assert_eq!(named(&odd, "{dir}/{stem}"), ["a/_"]);
        assert_eq!(named(&[source("", "a\\b\u{1b}[2J")], "{stem}"), ["a_b_[2J"]);
    }

    #[test]
    fn a_template_tells_its_outputs_apart() {
        assert_eq!("{dir}/x".parse::<NameTemplate>(), Err(NotATemplate::Same));
        assert!("{stm}".parse::<NameTemplate>().is_err());
        assert_eq!("{stem".parse::<NameTemplate>(), Err(NotATemplate::Open));
        let text = "{dir}/{stem}-{operation}";
        assert_eq!(text.parse::<NameTemplate>().unwrap().to_string(), text);
    }
}
