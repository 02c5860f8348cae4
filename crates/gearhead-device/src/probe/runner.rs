//! Running a program that may crash, hang or say nothing of use.

use std::{
    fmt,
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// The most that is kept of each stream, from its end.
const KEPT_BYTES: usize = 1 << 20;
/// How long a program may take to die, and its streams to end, when it is done or was killed: a driver can hold both.
const GRACE: Duration = Duration::from_millis(500);

/// How a program ended, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Its standard output.
    pub output: String,
    /// What it said of the reason on standard error: the message of its first panic, or else its last line.
    pub said: Option<String>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// By itself, with this exit code.
    Exit(i32),
    /// By a signal, such as 11, a wrong access to memory.
    Signal(i32),
    /// It was killed, since it ran longer than this.
    TimedOut(Duration),
    /// It could not be started, for this reason.
    NotStarted(String),
}

/// Runs a program without input until it ends, or kills it when the time is over.
pub fn run_limited(mut command: Command, limit: Duration) -> Outcome {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let end = End::NotStarted(error.to_string());
            return Outcome { end, output: String::new(), said: None };
        }
    };
    // Read while it runs, since a program whose pipe is full waits for ever.
    let output = child.stdout.take().map(read);
    let errors = child.stderr.take().map(read);
    let end = if let Some(status) = wait(&mut child, limit) {
        end(status)
    } else {
        // It may have ended in between, which is no fault.
        let _ = child.kill();
        // A process that a driver holds in the kernel does not die; it is left to the system.
        wait(&mut child, GRACE);
        End::TimedOut(limit)
    };
    let text = |stream: Option<Receiver<String>>| {
        stream.and_then(|stream| stream.recv_timeout(GRACE).ok()).unwrap_or_default()
    };
    let said = reason(&text(errors));
    Outcome { end, output: text(output), said }
}

/// What a program that failed said of the reason, cut where it is long.
fn reason(errors: &str) -> Option<String> {
    // Letters: some drivers list every name by which they looked for a library.
    const LONGEST: usize = 160;
    // What Rust says behind a panic is no reason.
    let lines =
        || errors.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("note: "));
    let after_panic = lines().skip_while(|line| !line.contains("panicked at ")).nth(1);
    let line = after_panic.or_else(|| lines().next_back())?;
    let end = line.char_indices().nth(LONGEST).map(|(end, _)| end);
    Some(end.map_or_else(|| line.to_owned(), |end| format!("{} …", line[..end].trim_end())))
}

fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        let left = limit.checked_sub(start.elapsed())?;
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Reads a stream to its end on a thread of its own. The thread outlives this call where another program holds the stream.
fn read(mut stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (mut kept, mut chunk) = (Vec::new(), [0; 4096]);
        while let Ok(n @ 1..) = stream.read(&mut chunk) {
            kept.extend_from_slice(&chunk[..n]);
            if kept.len() > 2 * KEPT_BYTES {
                kept.drain(..kept.len() - KEPT_BYTES);
            }
        }
        // Nobody waits any more where the time is over.
        let _ = sender.send(String::from_utf8_lossy(&kept).into_owned());
    });
    receiver
}

#[cfg(unix)]
fn end(status: ExitStatus) -> End {
    use std::os::unix::process::ExitStatusExt;

    status.signal().map_or_else(|| End::Exit(status.code().unwrap_or(-1)), End::Signal)
}

#[cfg(not(unix))]
fn end(status: ExitStatus) -> End {
    End::Exit(status.code().unwrap_or(-1))
}

impl fmt::Display for Outcome {
    /// How it ended, in a sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            End::Exit(0) => f.write_str("the probe ended without an answer")?,
            End::Exit(code) => write!(f, "the probe ended with exit code {code}")?,
            End::Signal(number) => {
                let name = signal_name(*number).map_or_else(String::new, |name| format!(" ({name})"));
                write!(f, "the probe crashed with signal {number}{name}")?;
            }
            End::TimedOut(limit) => {
                write!(f, "the probe gave no answer in {} s and was stopped", limit.as_secs_f64())?;
            }
            End::NotStarted(reason) => write!(f, "the probe could not be started: {reason}")?,
        }
        match &self.said {
            Some(line) => write!(f, "; it said: {line}"),
            None => Ok(()),
        }
    }
}

/// Names of the signals by which drivers end programs. Their numbers are the same on Linux and macOS but for SIGBUS.
fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 if cfg!(target_os = "linux") => "SIGBUS",
        10 if cfg!(target_os = "macos") => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn the_first_panic_is_the_reason_or_the_last_line() {
        assert_eq!(reason("loading\n\nno device\n").as_deref(), Some("no device"));
        let abort = "loading\nthread 'main' panicked at a.rs:1:2:\nno library\nnote: run with more\n\n\
                     thread 'main' panicked at b.rs:3:4:\ncannot unwind\nthread caused non-unwinding panic. aborting.\n";
        assert_eq!(reason(abort).as_deref(), Some("no library"));
        assert_eq!(reason(" \nnote: nothing\n"), None);
        let long = reason(&"é ".repeat(200)).unwrap();
        assert!(long.chars().count() <= 162 && long.ends_with("é …"), "{long}");
    }
}
