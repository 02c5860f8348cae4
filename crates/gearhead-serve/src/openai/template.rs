//! A model's chat template: Jinja, as Hugging Face models carry it.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use minijinja::{
    Environment, ErrorKind as JinjaErrorKind, Value as JinjaValue, context,
    syntax::SyntaxConfig,
    value::{Kwargs, Serde},
};
use serde::Serialize;
use serde_json::{
    Value,
    ser::{Formatter, PrettyFormatter, Serializer},
};
use time::OffsetDateTime;

use super::prompt::Message;
use crate::error::{Error, Result};

const TEMPLATE: &str = "chat_template";

/// How a model wants conversations to be written down.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos_token: String,
    eos_token: String,
}

impl ChatTemplate {
    /// Reads the template of a model directory: `chat_template.jinja`, or what `tokenizer_config.json` says. `None` where
    /// the model has none.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or the template is none.
    pub fn of_directory(directory: impl AsRef<Path>) -> Result<Option<Self>> {
        let directory = directory.as_ref();
        let config_path = directory.join("tokenizer_config.json");
        let wrong = |reason: String| Error::ChatTemplate { path: config_path.clone(), reason };
        let config: Value = match read(&config_path)? {
            Some(text) => serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?,
            None => Value::Null,
        };
        let path = directory.join("chat_template.jinja");
        let (source, path) = match (read(&path)?, in_config(&config)) {
            (Some(source), _) => (source, path),
            (None, Some(source)) => (source.to_owned(), config_path.clone()),
            (None, None) => return Ok(None),
        };
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| wrong(error.to_string()))?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> std::result::Result<(), _> {
            Err(minijinja::Error::new(JinjaErrorKind::InvalidOperation, message))
        });
        environment.add_function("strftime_now", strftime_now);
        environment.add_filter("tojson", to_json);
        environment
            .add_template_owned(TEMPLATE, source)
            .map_err(|error| Error::ChatTemplate { path, reason: error.to_string() })?;
        let token = |name: &str| token(&config[name]).unwrap_or_default().to_owned();
        Ok(Some(Self { environment, bos_token: token("bos_token"), eos_token: token("eos_token") }))
    }

    /// The text that the model goes on from, or what is wrong with the conversation.
    pub(super) fn render(&self, messages: &[Message]) -> std::result::Result<String, String> {
        let template = self.environment.get_template(TEMPLATE).map_err(|error| error.to_string())?;
        let context = context! {
            messages => Serde(messages),
            add_generation_prompt => true,
            bos_token => self.bos_token.as_str(),
            eos_token => self.eos_token.as_str(),
        };
        template.render(context).map_err(|error| {
            let reason = error.detail().map_or_else(|| error.to_string(), str::to_owned);
            format!("the model's chat template refuses the messages: {reason}")
        })
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}

/// The template of the configuration: one, or the one called `default` of several.
fn in_config(config: &Value) -> Option<&str> {
    let template = &config["chat_template"];
    let named = || {
        let default = template.as_array()?.iter().find(|template| template["name"] == "default")?;
        default["template"].as_str()
    };
    template.as_str().or_else(named)
}

/// A special token stands as its text, or as an object that holds it.
fn token(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value["content"].as_str())
}

/// The date in the few forms in which templates ask for it.
fn strftime_now(format: &str) -> std::result::Result<JinjaValue, minijinja::Error> {
    let now = OffsetDateTime::now_utc();
    let month = now.month().to_string();
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        let part = match (c, if c == '%' { chars.next() } else { None }) {
            ('%', Some('d')) => format!("{:02}", now.day()),
            ('%', Some('m')) => format!("{:02}", u8::from(now.month())),
            ('%', Some('b')) => month.chars().take(3).collect(),
            ('%', Some('B')) => month.clone(),
            ('%', Some('Y')) => now.year().to_string(),
            ('%', other) => {
                let message = format!("strftime_now: %{} is not known", other.unwrap_or(' '));
                return Err(minijinja::Error::new(JinjaErrorKind::InvalidOperation, message));
            }
            _ => c.to_string(),
        };
        text.push_str(&part);
    }
    Ok(text.into())
}

/// JSON as Python writes it, which is what models were trained on.
#[allow(clippy::needless_pass_by_value, reason = "arguments of filters are passed so")]
fn to_json(value: &JinjaValue, options: Kwargs) -> std::result::Result<String, minijinja::Error> {
    let wrong = |error: String| minijinja::Error::new(JinjaErrorKind::BadSerialization, error);
    let indent: Option<usize> = options.get("indent")?;
    let mut text = Vec::new();
    let written = if let Some(indent) = indent {
        let spaces = " ".repeat(indent);
        let formatter = PrettyFormatter::with_indent(spaces.as_bytes());
        value.serialize(&mut Serializer::with_formatter(&mut text, formatter))
    } else {
        value.serialize(&mut Serializer::with_formatter(&mut text, Spaced))
    };
    written.map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(text).map_err(|error| wrong(error.to_string()))
}

/// A space behind every comma and colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Row {
        name: String,
        template: String,
        messages: Vec<Message>,
        text: String,
    }

    #[test]
    fn conversations_are_written_down_as_transformers_does() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/serving/chat_templates.json");
        let fixture: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let rows: Vec<Row> = serde_json::from_value(fixture["rows"].clone()).unwrap();
        assert!(rows.len() >= 8);
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("tokenizer_config.json"),
            r#"{"bos_token": "<s>", "eos_token": "</s>"}"#,
        )
        .unwrap();
        for row in rows {
            fs::write(folder.path().join("chat_template.jinja"), &row.template).unwrap();
            let template = ChatTemplate::of_directory(folder.path()).unwrap().unwrap();
            assert_eq!(template.render(&row.messages).unwrap(), row.text, "{}", row.name);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar_and_other_forms_are_refused() {
        let now = OffsetDateTime::now_utc().date();
        let date = strftime_now("%d %b %Y, %m %B").unwrap().to_string();
        assert!(date.contains(&now.year().to_string()) && date.contains(&now.month().to_string()), "{date}");
        assert!(strftime_now("%j").is_err());
    }

    #[test]
    fn a_directory_without_a_template_has_none_and_a_broken_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ChatTemplate::of_directory(folder.path()).unwrap().is_none());
        let config = folder.path().join("tokenizer_config.json");
        fs::write(&config, r#"{"chat_template": [{"name": "default", "template": "{% if %}"}]}"#).unwrap();
        let message = ChatTemplate::of_directory(folder.path()).unwrap_err().to_string();
        assert!(message.contains("tokenizer_config.json: `chat_template`: "), "{message}");
    }
}
