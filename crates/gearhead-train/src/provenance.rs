//! Where each value of a configuration comes from.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::{Serialize, Serializer};
use toml::de::{DeTable, DeValue};

use crate::{
    config::Config,
    error::{Error, Result},
};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a configuration file, from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// An override on the command line.
    Override,
    /// Nobody gave one.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Override => f.write_str("--set"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value of a configuration, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sourced {
    /// Such as `train.epochs`.
    pub key: String,
    /// The value.
    pub value: toml::Value,
    /// Where it comes from.
    pub origin: Origin,
}

/// Which keys a file and overrides give.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Provenance {
    given: BTreeMap<String, Origin>,
}

impl Provenance {
    /// Of a configuration that [`Config::load`] takes.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read(path: impl AsRef<Path>, overrides: &[String]) -> Result<Self> {
        let path = path.as_ref();
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Self::of(&text, path, overrides)
    }

    fn of(text: &str, path: &Path, overrides: &[String]) -> Result<Self> {
        let table = DeTable::parse(text).map_err(|error| Error::Config {
            path: path.to_owned(),
            line: error.span().map(|span| line_of(text, span.start) as u64),
            reason: error.message().to_owned(),
        })?;
        let mut given = BTreeMap::new();
        for leaf in leaves(table.get_ref(), "") {
            let line = line_of(text, leaf.start);
            given.insert(leaf.key, Origin::File { path: path.to_owned(), line });
        }
        for text in overrides {
            let key = text.split_once('=').map_or(text.as_str(), |(key, _)| key).trim();
            given.insert(key.to_owned(), Origin::Override);
        }
        Ok(Self { given })
    }

    /// Where the value of a key comes from. A section that is given as a whole gives every key in it.
    pub fn origin(&self, key: &str) -> Origin {
        let mut name = key;
        loop {
            match (self.given.get(name), name.rsplit_once('.')) {
                (Some(origin), _) => return origin.clone(),
                (None, Some((section, _))) => name = section,
                (None, None) => return Origin::Default,
            }
        }
    }

    /// Every value of the configuration.
    ///
    /// # Panics
    ///
    /// Never: every field can be written as TOML.
    pub fn sourced(&self, config: &Config) -> Vec<Sourced> {
        let table = toml::Table::try_from(config).expect("a configuration is a TOML table");
        let mut values = Vec::new();
        collect(&table, "", &mut |key, value| {
            values.push(Sourced { origin: self.origin(&key), key, value: value.clone() });
        });
        values
    }

    /// The configuration with every default written out, and behind each value where it comes from.
    ///
    /// # Panics
    ///
    /// Never: what is written as TOML is TOML.
    pub fn annotated(&self, config: &Config) -> String {
        let text = config.resolved();
        let table = DeTable::parse(&text).expect("a configuration is TOML");
        let ends: BTreeMap<usize, String> = leaves(table.get_ref(), "")
            .into_iter()
            .map(|leaf| (line_of(&text, leaf.end), self.origin(&leaf.key).to_string()))
            .collect();
        let annotated = text.lines().enumerate().map(|(index, line)| match ends.get(&(index + 1)) {
            Some(origin) => format!("{line:<COMMENTS$} # {origin}\n"),
            None => format!("{line}\n"),
        });
        annotated.collect()
    }
}

/// The column that comments stand in, where lines leave it free.
const COMMENTS: usize = 48;

/// A value that is no section, and the bytes where it begins and ends.
struct Leaf {
    key: String,
    start: usize,
    end: usize,
}

fn leaves(table: &DeTable<'_>, section: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    for (key, value) in table {
        let key = joined(section, key.get_ref());
        match value.get_ref() {
            DeValue::Table(table) => found.extend(leaves(table, &key)),
            _ => found.push(Leaf { key, start: value.span().start, end: value.span().end }),
        }
    }
    found
}

fn collect(table: &toml::Table, section: &str, found: &mut dyn FnMut(String, &toml::Value)) {
    for (key, value) in table {
        let key = joined(section, key);
        match value {
            toml::Value::Table(table) => collect(table, &key, found),
            value => found(key, value),
        }
    }
}

fn joined(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at.min(text.len())].matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "output = \"o\"\ntokenizer = \"t.json\"\n[data]\ntrain = \"a\"\nvalidation = \"b\"\n\n[train]\nepochs = 3\nbatch_size =\n  4\n";

    fn provenance(overrides: &[&str]) -> (Config, Provenance) {
        let overrides: Vec<String> = overrides.iter().map(|&text| text.into()).collect();
        let config = Config::parse(&FILE.replace("=\n  4", "= 4"), "c.toml", &overrides).unwrap();
        (config, Provenance::of(&FILE.replace("=\n  4", "= 4"), Path::new("c.toml"), &overrides).unwrap())
    }

    #[test]
    fn a_value_comes_from_a_line_an_override_or_nowhere() {
        let (config, provenance) = provenance(&["train.epochs=5", "model.d_model = 64"]);
        for (key, origin) in [
            ("output", "c.toml:1"),
            ("data.validation", "c.toml:5"),
            ("train.batch_size", "c.toml:9"),
            ("train.epochs", "--set"),
            ("model.d_model", "--set"),
            ("seed", "default"),
            ("train.learning_rate", "default"),
        ] {
            assert_eq!(provenance.origin(key).to_string(), origin, "{key}");
        }
        let sourced = provenance.sourced(&config);
        let epochs = sourced.iter().find(|value| value.key == "train.epochs").unwrap();
        assert_eq!((&epochs.value, &epochs.origin), (&toml::Value::Integer(5), &Origin::Override));
    }

    #[test]
    fn a_section_given_as_a_whole_gives_its_keys() {
        let (_, provenance) = provenance(&["train={epochs=7}"]);
        assert_eq!(provenance.origin("train.learning_rate"), Origin::Override);
    }

    #[test]
    fn an_annotated_configuration_is_the_same_configuration() {
        let (config, provenance) = provenance(&["train.epochs=5"]);
        let text = provenance.annotated(&config);
        assert_eq!(Config::parse(&text, "again", &[]).unwrap(), config);
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
        assert!(line("epochs").ends_with(" # --set"), "{text}");
        assert!(line("batch_size").ends_with(" # c.toml:9"), "{text}");
        assert!(line("warmup_steps").ends_with(" # default"), "{text}");
        assert_eq!(line("[train]"), "[train]");
    }
}
