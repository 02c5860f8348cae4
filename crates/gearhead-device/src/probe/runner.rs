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
    /// What it said last on standard error.
    pub last_error: Option<String>,
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
            return Outcome { end, output: String::new(), last_error: None };
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
    let last_error = text(errors).lines().rev().map(str::trim).find(|line| says_why(line)).map(str::to_owned);
    Outcome { end, output: text(output), last_error }
}

/// Whether a line of a program that failed may be the reason. What Rust says behind a panic is not.
fn says_why(line: &str) -> bool {
    !line.is_empty() && !line.starts_with("note: ")
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
        match &self.last_error {
            Some(line) => write!(f, "; it last said: {line}"),
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
