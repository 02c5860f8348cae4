//! API keys: a file of them, and the check that a request has one.

use std::{fs, path::Path, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::{
    App,
    error::{Error, Result},
    failure::Failure,
};

/// A shorter key could be guessed.
pub(crate) const MIN_CHARS: usize = 16;

/// Hashes of the keys: the keys themselves are not kept.
#[derive(Debug)]
pub struct Keys(Vec<[u8; 32]>);

impl Keys {
    /// Reads a file with one key a line; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    ///
    /// The file cannot be read, a key is too short or holds white space, or there is none.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let key = line.trim();
            if key.is_empty() || key.starts_with('#') {
                continue;
            }
            let wrong = |fault| Error::Key { path: path.to_owned(), line: index + 1, fault };
            if key.chars().count() < MIN_CHARS {
                return Err(wrong("a key must have at least 16 characters"));
            }
            if !key.chars().all(|c| c.is_ascii_graphic()) {
                return Err(wrong("a key must be of ASCII letters, digits and marks, without spaces"));
            }
            keys.push(hash(key.as_bytes()));
        }
        if keys.is_empty() {
            return Err(Error::NoKeys { path: path.to_owned() });
        }
        Ok(Self(keys))
    }

    /// Whether this is one of the keys. Every key is compared to its end, so that the time tells nothing.
    fn contain(&self, key: &[u8]) -> bool {
        let key = hash(key);
        let none = Choice::from(0);
        self.0.iter().fold(none, |found, known| found | known.ct_eq(&key)).into()
    }
}

fn hash(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// The key of a request: `Authorization: Bearer KEY`, as the clients of OpenAI send it, or `X-Api-Key: KEY`.
fn key_of(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| {
        let (scheme, key) = value.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(key.trim_ascii())
    });
    bearer.or_else(|| headers.get("x-api-key").map(HeaderValue::as_bytes))
}

/// Lets a request pass that has a key, where keys are asked for.
pub(crate) async fn require(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let is_let_in = app.settings.keys.as_ref().is_none_or(|keys| {
        let key = key_of(request.headers());
        key.is_some_and(|key| keys.contain(key))
    });
    if is_let_in {
        return next.run(request).await;
    }
    let message = "an API key is missing or unknown: send `Authorization: Bearer KEY`";
    let mut refusal = Failure::new(StatusCode::UNAUTHORIZED, "no_key", message).into_response();
    refusal.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Keys> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.txt");
        fs::write(&path, text).unwrap();
        Keys::read(&path)
    }

    #[test]
    fn each_line_is_a_key_and_no_other_text_is() {
        let keys = read("# workshop\n0123456789abcdef\n\n  fedcba9876543210  \n").unwrap();
        assert!(keys.contain(b"0123456789abcdef") && keys.contain(b"fedcba9876543210"));
        for other in [&b""[..], b"0123456789abcde", b"0123456789abcdeg", b"# workshop", b"0123456789ABCDEF"] {
            assert!(!keys.contain(other));
        }
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line() {
        for (text, end) in [
            ("# only\n\n", ": no key: write one a line, of at least 16 characters"),
            ("0123456789abcdef\nshort", ":2: a key must have at least 16 characters"),
            ("0123456789 abcdef", ":1: a key must be of ASCII letters, digits and marks, without spaces"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.ends_with(end), "{message}");
        }
        assert!(Keys::read("no/such/file").unwrap_err().to_string().starts_with("no/such/file: "));
    }
}
