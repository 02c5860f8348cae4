//! Asking drivers about GPUs, in a process of its own.
//!
//! A driver may panic, crash or never answer. So a question is put to a child process, which loads the driver, and however
//! that ends, the asking program goes on. Whoever embeds this crate says by which command its own program calls [`answer`].

mod answer;
#[cfg(all(test, unix))]
pub(crate) mod fake;
mod question;
mod runner;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
    time::Duration,
};

pub(crate) use answer::{Answer, measure};
pub(crate) use question::Question;
pub use runner::{End, Outcome, run_limited};

use crate::{Error, amd::Setting};

/// The first compilation of a backend's GPU code takes the longest.
const LIMIT: Duration = Duration::from_secs(30);
/// What the line of an answer begins with: drivers print to standard output too.
const MARK: &str = "gearhead-probe-answer ";

/// How drivers are asked.
pub struct Prober {
    how: How,
    limit: Duration,
    settings: Vec<Setting>,
}

enum How {
    Child(Box<dyn Fn(&str) -> Command + Send + Sync>),
    InProcess,
    Never,
}

impl Prober {
    /// Asks in a child process. `command` makes the command for a question: a program that prints what [`answer`] returns
    /// for it and a line's end, and may print anything besides.
    ///
    /// ```
    /// use std::process::Command;
    /// use gearhead_device::probe::Prober;
    ///
    /// let this_program = std::env::current_exe()?;
    /// let prober = Prober::child(move |question| {
    ///     let mut command = Command::new(&this_program);
    ///     command.args(["probe", question]);
    ///     command
    /// });
    /// # let _ = prober;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn child(command: impl Fn(&str) -> Command + Send + Sync + 'static) -> Self {
        Self::new(How::Child(Box::new(command)))
    }

    /// Asks in this process. A driver that panics on the asking thread is survived; one that crashes, hangs, or panics on a
    /// thread of its own is not.
    pub fn in_process() -> Self {
        Self::new(How::InProcess)
    }

    /// Asks no driver: only what the system's files say is known.
    pub fn files_only() -> Self {
        Self::new(How::Never)
    }

    fn new(how: How) -> Self {
        Self { how, limit: LIMIT, settings: Vec::new() }
    }

    /// Waits this long for an answer of a child, in place of 30 seconds.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Asks children with these variables in their environment.
    #[must_use]
    pub fn with_settings(self, settings: Vec<Setting>) -> Self {
        Self { settings, ..self }
    }

    /// What the children's environment is given.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    pub(crate) fn asks(&self) -> bool {
        !matches!(self.how, How::Never)
    }

    /// The answer to a question, or why there is none.
    pub(crate) fn ask(&self, question: &Question) -> Result<Answer, String> {
        let answer = match &self.how {
            How::Child(command) => self.ask_child(command(&question.to_string()))?,
            How::InProcess => catch_unwind(AssertUnwindSafe(|| answer::answer(question)))
                .map_err(|panic| format!("the driver panicked: {}", message(panic.as_ref())))?,
            How::Never => return Err("no driver was asked".to_owned()),
        };
        match answer {
            Answer::Failed { reason } => Err(reason),
            answer => Ok(answer),
        }
    }

    fn ask_child(&self, mut command: Command) -> Result<Answer, String> {
        command.envs(self.settings.iter().map(|setting| (&setting.name, &setting.value)));
        let outcome = run_limited(command, self.limit);
        // A driver that crashes while the program ends has answered all the same.
        let line = outcome.output.lines().rev().find_map(|line| line.strip_prefix(MARK));
        let answer = line.and_then(|line| serde_json::from_str(line).ok());
        answer.ok_or_else(|| outcome.to_string())
    }
}

/// What a panic says.
fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it did not say why")
}

/// Answers a question of a [`Prober`], in the process that it started: the line to print on standard output.
///
/// # Errors
///
/// The question is none.
pub fn answer(question: &str) -> Result<String, Error> {
    let answer = answer::answer(&question.parse()?);
    // The types of an answer have no maps with keys that are not text, which alone could fail.
    let json = serde_json::to_string(&answer).unwrap_or_default();
    Ok(format!("{MARK}{json}"))
}
