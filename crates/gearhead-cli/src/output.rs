//! The one place that writes to standard output and standard error.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;

/// Prints text and ends the line.
pub(crate) fn text(text: impl std::fmt::Display) -> Result<(), Failure> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// Prints text as it is and shows it at once.
pub(crate) fn raw(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    Ok(output.flush()?)
}

/// Prints text with colours, as it is and at once. Where nobody would see them, as in a file or with `NO_COLOR`, the colours
/// are left out.
pub(crate) fn styled(text: impl std::fmt::Display) -> Result<(), Failure> {
    let mut output = anstream::AutoStream::auto(io::stdout().lock());
    write!(output, "{text}")?;
    Ok(output.flush()?)
}

/// Prints a value as JSON, indented, and ends the line.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    self::text(text)
}

/// Says something beside the result, on standard error.
pub(crate) fn note(text: impl std::fmt::Display) {
    // Nobody can be told that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says why the command failed.
pub(crate) fn failure(failure: &Failure, as_json: bool) {
    if as_json {
        note(json!({ "error": failure }));
    } else {
        note(format_args!("error: {}", failure.message));
    }
}

/// Sends log lines of the libraries to standard error, as far as `RUST_LOG` asks for them. A service says what it answers.
pub(crate) fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,gearhead_serve=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}
