//! What a driver is asked.

use std::{fmt, str::FromStr};

use crate::{Device, Error, backend::KINDS, device::Kind};

/// A question to a backend that is compiled in. As text it is an argument of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which adapters are there?
    List(Kind),
    /// Does this one compute?
    Try(Device),
    /// How fast is it?
    Measure(Device),
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(kind) => write!(f, "list {}", kind.name()),
            Self::Try(device) => write!(f, "try {device}"),
            Self::Measure(device) => write!(f, "measure {device}"),
        }
    }
}

impl FromStr for Question {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownQuestion { given: text.to_owned() };
        match text.split_once(' ').ok_or_else(unknown)? {
            ("list", name) => {
                let info = KINDS.iter().find(|info| info.name == name).ok_or_else(unknown)?;
                Ok(Self::List(info.kind))
            }
            ("try", device) => Ok(Self::Try(device.parse()?)),
            ("measure", device) => Ok(Self::Measure(device.parse()?)),
            _ => Err(unknown()),
        }
    }
}
