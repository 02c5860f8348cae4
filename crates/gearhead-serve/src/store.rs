//! Feedback and history in one SQLite file.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use gearhead_data::case::Case;
use gearhead_infer::{Report, engine::Finding};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::error::{Error, Result};

/// The layout of the file, counted up when it changes.
const LAYOUT: i64 = 1;
/// Only so many diagnoses are kept, the newest.
const MAX_KEPT: i64 = 2_000;

const TABLES: &str = "
    CREATE TABLE diagnoses (
        id INTEGER PRIMARY KEY AUTOINCREMENT, made_at TEXT NOT NULL, equipment TEXT NOT NULL, symptom TEXT NOT NULL,
        cause TEXT, probability REAL, verdict TEXT NOT NULL, found TEXT NOT NULL, report TEXT NOT NULL
    ) STRICT;
    CREATE TABLE feedback (id INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL) STRICT;
    PRAGMA user_version = 1;
";

/// An open file of feedback and history.
#[derive(Debug, Clone)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
}

/// A diagnosis as it is kept.
#[derive(Debug)]
pub(crate) struct Diagnosis {
    equipment: String,
    symptom: String,
    cause: Option<String>,
    probability: Option<f64>,
    verdict: String,
    found: String,
    report: String,
}

/// A diagnosis in a list.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    made_at: String,
    equipment: String,
    symptom: String,
    cause: Option<String>,
    probability: Option<f64>,
    verdict: String,
}

/// A whole diagnosis that was kept, written as it was.
#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    id: i64,
    made_at: String,
    found: Box<RawValue>,
    report: Box<RawValue>,
}

impl Diagnosis {
    pub(crate) fn of(report: &Report, found: &[Finding]) -> Self {
        let first = report.causes.first();
        // Both are types that JSON can hold.
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        Self {
            equipment: report.case.equipment.clone(),
            symptom: report.case.symptom.clone(),
            cause: first.map(|cause| cause.cause.clone()),
            probability: first.map(|cause| cause.probability),
            verdict: json(serde_json::to_string(&report.verdict)).trim_matches('"').to_owned(),
            found: json(serde_json::to_string(found)),
            report: json(serde_json::to_string(report)),
        }
    }
}

impl Store {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    ///
    /// It cannot be opened or made, is no SQLite file, or is of another version of the program.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |source| Error::Store { path: path.to_owned(), source };
        let connection = Connection::open(path).map_err(wrong)?;
        let found = Self::set_up(&connection).map_err(wrong)?;
        if found != LAYOUT {
            return Err(Error::StoreVersion { path: PathBuf::from(path), found, known: LAYOUT });
        }
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Makes the tables of a new file; returns the number of the layout.
    fn set_up(connection: &Connection) -> rusqlite::Result<i64> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        let layout =
            || connection.query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get(0));
        if layout()? == 0 {
            connection.execute_batch(&format!("BEGIN;{TABLES}COMMIT;"))?;
        }
        layout()
    }

    /// Works with the file on a thread that may wait for a disk.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let connection = Arc::clone(&self.connection);
        let work = move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
        // A task that is blocking ends with its work, or with the program.
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(rusqlite::Error::InvalidQuery))
    }

    /// Keeps a diagnosis, in place of an earlier one of the same case where one is named; returns its number.
    pub(crate) async fn keep(&self, new: Diagnosis, replaces: Option<i64>) -> rusqlite::Result<i64> {
        self.with(move |connection| {
            let transaction = connection.transaction()?;
            if let Some(id) = replaces {
                let changed = transaction.execute(
                    "UPDATE diagnoses SET cause = ?2, probability = ?3, verdict = ?4, found = ?5, report = ?6
                     WHERE id = ?1 AND equipment = ?7 AND symptom = ?8",
                    params![
                        id, new.cause, new.probability, new.verdict, new.found, new.report, new.equipment,
                        new.symptom
                    ],
                )?;
                if changed == 1 {
                    transaction.commit()?;
                    return Ok(id);
                }
            }
            transaction.execute(
                "INSERT INTO diagnoses (made_at, equipment, symptom, cause, probability, verdict, found, report)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    now(), new.equipment, new.symptom, new.cause, new.probability, new.verdict, new.found,
                    new.report
                ],
            )?;
            let id = transaction.last_insert_rowid();
            transaction.execute("DELETE FROM diagnoses WHERE id <= ?1", [id - MAX_KEPT])?;
            transaction.commit()?;
            Ok(id)
        })
        .await
    }

    /// The newest diagnoses before a number.
    pub(crate) async fn list(&self, before: Option<i64>, limit: u32) -> rusqlite::Result<Vec<Entry>> {
        self.with(move |connection| {
            let mut query = connection.prepare(
                "SELECT id, made_at, equipment, symptom, cause, probability, verdict FROM diagnoses
                 WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = query.query_map(params![before.unwrap_or(i64::MAX), limit], |row| {
                Ok(Entry {
                    id: row.get(0)?,
                    made_at: row.get(1)?,
                    equipment: row.get(2)?,
                    symptom: row.get(3)?,
                    cause: row.get(4)?,
                    probability: row.get(5)?,
                    verdict: row.get(6)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    pub(crate) async fn show(&self, id: i64) -> rusqlite::Result<Option<Kept>> {
        let json = |text: String| RawValue::from_string(text).map_err(|_| rusqlite::Error::InvalidQuery);
        self.with(move |connection| {
            let row = connection
                .query_row("SELECT made_at, found, report FROM diagnoses WHERE id = ?1", [id], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()?;
            let kept = |(made_at, found, report)| {
                Ok(Kept { id, made_at, found: json(found)?, report: json(report)? })
            };
            row.map(kept).transpose()
        })
        .await
    }

    /// Returns whether there was such a diagnosis.
    pub(crate) async fn forget(&self, id: i64) -> rusqlite::Result<bool> {
        self.with(move |connection| Ok(connection.execute("DELETE FROM diagnoses WHERE id = ?1", [id])? == 1))
            .await
    }

    /// Keeps what a technician found; returns its number, which becomes the id of a case without one.
    pub(crate) async fn add_feedback(&self, mut case: Case) -> rusqlite::Result<i64> {
        case.date.get_or_insert_with(now);
        self.with(move |connection| {
            let transaction = connection.transaction()?;
            transaction.execute("INSERT INTO feedback (record) VALUES ('')", [])?;
            let id = transaction.last_insert_rowid();
            case.id.get_or_insert_with(|| format!("feedback-{id}"));
            let record = serde_json::to_string(&case).map_err(|_| rusqlite::Error::InvalidQuery)?;
            transaction.execute("UPDATE feedback SET record = ?2 WHERE id = ?1", params![id, record])?;
            transaction.commit()?;
            Ok(id)
        })
        .await
    }

    /// All feedback as cases, one a line.
    pub(crate) async fn feedback(&self) -> rusqlite::Result<String> {
        self.with(|connection| {
            let mut query = connection.prepare("SELECT record FROM feedback ORDER BY id")?;
            let mut lines = String::new();
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                lines.push_str(&row.get::<_, String>(0)?);
                lines.push('\n');
            }
            Ok(lines)
        })
        .await
    }

    /// The case of a diagnosis that was kept.
    pub(crate) async fn case_of(&self, id: i64) -> rusqlite::Result<Option<Value>> {
        self.with(move |connection| {
            let case = connection
                .query_row(
                    "SELECT json_extract(report, '$.case') FROM diagnoses WHERE id = ?1",
                    [id],
                    |row| row.get::<_, String>(0),
                )
                .optional()?;
            Ok(case.and_then(|case| serde_json::from_str(&case).ok()))
        })
        .await
    }
}

/// The time in UTC, to the second.
fn now() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default()
}
