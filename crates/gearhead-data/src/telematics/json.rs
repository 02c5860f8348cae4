//! Responses in JSON.

use std::{fmt, io::BufRead};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{TelematicsError, TelematicsFault, TelematicsSummary, walk::Walk};

/// Reads a response in JSON and gives each fault to `take`, in memory that does not grow with the response.
///
/// # Errors
///
/// The response cannot be read, or is not well formed; the faults before that place have been given out.
pub fn read_json(
    input: impl BufRead,
    take: impl FnMut(TelematicsFault),
) -> Result<TelematicsSummary, TelematicsError> {
    let mut walk = Walk::new(take);
    let mut reader = serde_json::Deserializer::from_reader(input);
    let read = Value { name: "", walk: &mut walk }.deserialize(&mut reader).and_then(|()| reader.end());
    match read {
        Ok(()) => Ok(walk.finish()),
        Err(error) if error.is_io() => Err(TelematicsError::Io(error.into())),
        Err(error) => Err(TelematicsError::Syntax {
            line: error.line() as u64,
            reason: format!("not valid JSON: {error}"),
        }),
    }
}

/// A value and the name that it stands under; a list hands its own name on to what is in it.
struct Value<'a, F> {
    name: &'a str,
    walk: &'a mut Walk<F>,
}

impl<'de, F: FnMut(TelematicsFault)> DeserializeSeed<'de> for Value<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(TelematicsFault)> Visitor<'de> for Value<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.walk.text(self.name, text);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.walk.text(self.name, &number.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.walk.text(self.name, &number.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.walk.text(self.name, &number.to_string());
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Value { name: self.name, walk: &mut *self.walk })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.walk.enter();
        while let Some(name) = members.next_key::<String>()? {
            if name.is_empty() {
                members.next_value::<IgnoredAny>()?;
            } else {
                members.next_value_seed(Value { name: &name, walk: &mut *self.walk })?;
            }
        }
        self.walk.leave(self.name);
        Ok(())
    }
}
