//! The columns of a nested schema, and one value of them as text.

use parquet::{
    basic::{ConvertedType, LogicalType, Repetition, TimeUnit},
    data_type::ByteArray,
    record::{Field, Row},
    schema::types::Type,
};

use super::time::{Tick, date, time, timestamp};

/// The number of bytes that are not text.
type NotText = usize;

/// A leaf of the schema, or a list or map, which is one column whatever is in it.
pub(super) struct Column {
    /// The names from the root, joined by dots.
    pub(super) name: String,
    /// The place of each field in the one around it.
    path: Vec<usize>,
    kind: Kind,
}

/// How integers of a value are to be read, where the record interface leaves them as they are.
#[derive(Debug, Clone)]
enum Kind {
    Plain,
    Uuid,
    Time(Tick),
    Timestamp(Tick, bool),
    List(Box<Kind>),
    Map(Box<Kind>, Box<Kind>),
    Group(Vec<Kind>),
}

impl Column {
    pub(super) fn all(schema: &Type) -> Vec<Self> {
        let mut columns = Vec::new();
        for (place, field) in schema.get_fields().iter().enumerate() {
            Self::gather(field, field.name().to_owned(), vec![place], &mut columns);
        }
        columns
    }

    fn gather(field: &Type, name: String, path: Vec<usize>, columns: &mut Vec<Self>) {
        let kind = kind(field);
        if !matches!(kind, Kind::Group(_)) {
            columns.push(Self { name, path, kind });
            return;
        }
        for (place, inner) in field.get_fields().iter().enumerate() {
            let path = path.iter().copied().chain([place]).collect();
            Self::gather(inner, format!("{name}.{}", inner.name()), path, columns);
        }
    }

    pub(super) fn text(&self, record: &Row) -> Result<String, NotText> {
        let mut row = record;
        let (last, groups) = self.path.split_last().unwrap_or((&0, &[]));
        for &place in groups {
            match row.get_column_iter().nth(place) {
                Some((_, Field::Group(inner))) => row = inner,
                _ => return Ok(String::new()),
            }
        }
        row.get_column_iter().nth(*last).map_or(Ok(String::new()), |(_, field)| text(field, &self.kind))
    }
}

fn kind(field: &Type) -> Kind {
    let info = field.get_basic_info();
    if info.has_repetition() && info.repetition() == Repetition::REPEATED {
        return Kind::List(Box::new(kind_of_one(field)));
    }
    kind_of_one(field)
}

fn kind_of_one(field: &Type) -> Kind {
    let info = field.get_basic_info();
    if field.is_group() {
        let inner = field.get_fields();
        let repeated = inner.first().filter(|_| inner.len() == 1);
        return match (info.converted_type(), repeated) {
            (ConvertedType::LIST, Some(repeated)) => Kind::List(Box::new(element(repeated))),
            (ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE, Some(entry)) if is_pair(entry) => {
                Kind::Map(Box::new(kind(&entry.get_fields()[0])), Box::new(kind(&entry.get_fields()[1])))
            }
            _ => Kind::Group(inner.iter().map(|field| kind(field)).collect()),
        };
    }
    let tick = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => Tick::Milli,
        TimeUnit::MICROS => Tick::Micro,
        TimeUnit::NANOS => Tick::Nano,
    };
    match info.logical_type_ref() {
        Some(LogicalType::Uuid) => Kind::Uuid,
        Some(LogicalType::Time(of)) => Kind::Time(tick(&of.unit)),
        Some(LogicalType::Timestamp(of)) => Kind::Timestamp(tick(&of.unit), of.is_adjusted_to_u_t_c),
        _ => Kind::Plain,
    }
}

fn is_pair(entry: &Type) -> bool {
    entry.is_group() && entry.get_fields().len() == 2
}

/// What a list is of: usually the only field of its repeated group.
///
/// **Source**: Parquet logical types, "Lists", with its rules for older writers.
fn element(repeated: &Type) -> Kind {
    if repeated.is_group() && repeated.get_fields().len() == 1 && repeated.name() != "array" {
        return kind(&repeated.get_fields()[0]);
    }
    kind_of_one(repeated)
}

fn text(field: &Field, kind: &Kind) -> Result<String, NotText> {
    Ok(match (field, kind) {
        (Field::Null, _) => String::new(),
        (Field::Str(text), _) => text.trim().to_owned(),
        (Field::Bytes(bytes), Kind::Uuid) => uuid(bytes),
        (Field::Bytes(bytes), _) => match std::str::from_utf8(bytes.data()) {
            // A zero byte is in no text, though it is valid UTF-8.
            Ok(text) if !text.contains('\0') => text.trim().to_owned(),
            _ => return Err(bytes.len()),
        },
        (Field::Float(number), _) => number.to_string(),
        (Field::Double(number), _) => number.to_string(),
        (Field::Float16(number), _) => number.to_f32().to_string(),
        (Field::Date(days), _) => date(i64::from(*days)),
        (Field::TimeMillis(ticks), _) => time(i64::from(*ticks), Tick::Milli),
        (Field::TimeMicros(ticks), _) => time(*ticks, Tick::Micro),
        (Field::Long(ticks), Kind::Time(tick)) => time(*ticks, *tick),
        (Field::Long(ticks), Kind::Timestamp(tick, is_utc)) => timestamp(*ticks, *tick, *is_utc),
        (Field::TimestampMillis(ticks), kind) => timestamp(*ticks, Tick::Milli, is_utc(kind)),
        (Field::TimestampMicros(ticks), kind) => timestamp(*ticks, Tick::Micro, is_utc(kind)),
        (Field::ListInternal(list), kind) => {
            let inner = if let Kind::List(inner) = kind { inner } else { kind };
            joined(list.elements().iter().map(|field| text(field, inner)))?
        }
        (Field::MapInternal(map), kind) => {
            let (of_key, of_value) =
                if let Kind::Map(key, value) = kind { (&**key, &**value) } else { (kind, kind) };
            joined(
                map.entries()
                    .iter()
                    .map(|(key, value)| Ok(pair(&text(key, of_key)?, &text(value, of_value)?))),
            )?
        }
        (Field::Group(group), kind) => {
            let kinds = if let Kind::Group(kinds) = kind { kinds.as_slice() } else { &[] };
            let fields = group.get_column_iter().enumerate();
            joined(fields.map(|(place, (name, field))| {
                Ok(pair(name, &text(field, kinds.get(place).unwrap_or(&Kind::Plain))?))
            }))?
        }
        // Integers, truth values and decimals print as themselves.
        (plain, _) => plain.to_string(),
    })
}

fn is_utc(kind: &Kind) -> bool {
    matches!(kind, Kind::Timestamp(_, true))
}

fn pair(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{name}: {value}") }
}

fn joined(texts: impl Iterator<Item = Result<String, NotText>>) -> Result<String, NotText> {
    let mut joined = String::new();
    for text in texts {
        let text = text?;
        if !joined.is_empty() && !text.is_empty() {
            joined.push_str("; ");
        }
        joined.push_str(&text);
    }
    Ok(joined)
}

fn uuid(bytes: &ByteArray) -> String {
    let hex: Vec<String> = bytes.data().iter().map(|byte| format!("{byte:02x}")).collect();
    let group = |from: usize, to: usize| hex.get(from..to).map(<[String]>::concat).unwrap_or_default();
    [group(0, 4), group(4, 6), group(6, 8), group(8, 10), group(10, 16)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_in_its_five_groups() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(uuid(&ByteArray::from(bytes)), "00010203-0405-0607-0809-0a0b0c0d0e0f");
    }
}
