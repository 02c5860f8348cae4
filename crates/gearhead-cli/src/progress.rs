//! Progress bars, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `length` steps; `unit` is what a step is.
pub(crate) fn bar(length: usize, unit: &str) -> ProgressBar {
    let style = format!("{{bar:30}} {{pos}}/{{len}} {unit}  {{msg}}  {{elapsed}}, {{eta}} left");
    let style = ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style)
}

/// A bar of `length` bytes, which can be set to other steps with a style and a message.
pub(crate) fn bytes(length: u64) -> ProgressBar {
    ProgressBar::new(length).with_style(bytes_style())
}

/// The look of a bar of bytes.
pub(crate) fn bytes_style() -> ProgressStyle {
    style("{bar:30} {bytes}/{total_bytes} {msg}  {elapsed}, {eta} left")
}

/// The look of a bar of steps.
pub(crate) fn steps_style() -> ProgressStyle {
    style("{bar:30} {pos}/{len} {msg}  {elapsed}, {eta} left")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A sign that something goes on, whose length is not known.
pub(crate) fn spinner(message: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(message);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
