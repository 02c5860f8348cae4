//! A folder of its own for each test, and the command run in it.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use serde_json::Value;
use tempfile::TempDir;

/// What a command did.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Standard output of a command that must have succeeded.
    pub(crate) fn text(self) -> String {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self.stdout
    }

    /// The JSON that a command that must have succeeded printed.
    pub(crate) fn json(self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in:\n{text}"))
    }
}

pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// A workspace with a company's folder `acme` that knows the causes of `cards`, and no other.
    pub(crate) fn knowing_only(cards: &str) -> Self {
        let workspace = Self::new();
        let built_in = workspace.run(&["knowledge", "list", "--json"]).json();
        let ids: Vec<&str> =
            built_in.as_array().unwrap().iter().map(|card| card["id"].as_str().unwrap()).collect();
        fs::create_dir_all(workspace.path("acme/cards")).unwrap();
        workspace.write("acme/cards/own.toml", cards);
        workspace.write("acme/knowledge.toml", format!("disabled = {ids:?}\n"));
        workspace
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        self.run_with_input(args, "")
    }

    /// Runs the command in the folder with text on standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Outcome {
        run_in(self.folder.path(), args, input)
    }

    /// Every file and folder with its size.
    pub(crate) fn files(&self) -> Vec<(PathBuf, u64)> {
        let (mut found, mut open) = (Vec::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                found.push((entry.path(), entry.metadata().unwrap().len()));
                if entry.path().is_dir() {
                    open.push(entry.path());
                }
            }
        }
        found.sort();
        found
    }

    /// The one sentence of a command that must be refused as bad input, without leaving anything behind.
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let before = self.files();
        let Outcome { code, stdout, stderr } = self.run(args);
        assert_eq!(code, 2, "{args:?}: {stderr}");
        assert_eq!(stdout, "", "{args:?}");
        let faults = stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert!(faults == 1 && stderr.starts_with("error: "), "{args:?}: {stderr}");
        assert_eq!(self.files(), before, "{args:?} left something behind, or took something away");
        stderr.lines().next().unwrap().to_owned()
    }

    /// A copy of the tiny model that may be damaged.
    pub(crate) fn copy_model(&self, name: &str) {
        let from = tiny().join("out/best");
        fs::create_dir(self.path(name)).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), self.path(name).join(entry.file_name())).unwrap();
        }
    }
}

fn run_in(folder: &Path, args: &[&str], input: &str) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gearhead"))
        .args(args)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may have closed it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A configuration of a tiny model.
pub(crate) const TINY_CONFIG: &str = r#"
output = "out"
tokenizer = "tokenizer.json"

[data]
train = "data/train.jsonl"
validation = "data/validation.jsonl"

[model]
d_model = 32
n_layers = 1
d_ff = 48
max_seq_len = 512

[train]
epochs = 1
batch_size = 8
"#;

/// A folder with what the commands of a new user leave: `data`, `tokenizer.json`, `tiny.toml` and the trained `out`.
/// Made once, and shared by the tests that only read it.
pub(crate) fn tiny() -> &'static Path {
    static TINY: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gearhead-cli-tiny");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("tiny.toml"), TINY_CONFIG).unwrap();
        let run = |args: &[&str]| run_in(&folder, args, "").text();
        run(&["data", "generate", "--count", "40", "--seed", "7", "--out", "data"]);
        run(&["tokenizer", "train", "data/train.jsonl", "--vocab-size", "400", "--out", "tokenizer.json"]);
        run(&["train", "--config", "tiny.toml", "--set", "train.learning_rate=5e-3"]);
        folder
    });
    &TINY
}

/// A folder with the tiny configuration, which reads the data of [`tiny`].
pub(crate) fn tiny_training() -> Workspace {
    let workspace = Workspace::new();
    let file = |name: &str| tiny().join(name).display().to_string();
    let config = TINY_CONFIG
        .replace("data/train.jsonl", &file("data/train.jsonl"))
        .replace("data/validation.jsonl", &file("data/validation.jsonl"))
        .replace("tokenizer.json", &file("tokenizer.json"));
    workspace.write("tiny.toml", config);
    workspace
}

/// The tiny model's directory as an argument.
pub(crate) fn tiny_model() -> String {
    tiny().join("out").display().to_string()
}
