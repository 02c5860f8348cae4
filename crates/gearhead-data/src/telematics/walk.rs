//! What XML and JSON have in common: elements in elements, with named texts in them.

use super::{Machine, TelematicsFault, TelematicsSummary};
use crate::{can::log::time, code::FaultCode};

/// The deepest nesting; ISO 15143-3 needs five.
pub(super) const MAX_DEPTH: usize = 100;

/// The most bytes of a text that is kept.
pub(super) const MAX_TEXT_BYTES: usize = 8_000;

/// An element that is open.
#[derive(Debug, Default)]
struct Open {
    machine: Machine,
    fault: Fields,
    /// Faults found in it that no machine was known for yet.
    first_pending: usize,
}

#[derive(Debug, Default)]
struct Fields {
    code: Option<String>,
    description: Option<String>,
    severity: Option<String>,
    source: Option<String>,
    time: Option<String>,
}

/// Follows a document from outside and gives each fault to `take` as soon as its machine is known.
pub(super) struct Walk<F> {
    open: Vec<Open>,
    pending: Vec<TelematicsFault>,
    take: F,
    pub(super) summary: TelematicsSummary,
}

impl<F: FnMut(TelematicsFault)> Walk<F> {
    pub(super) fn new(take: F) -> Self {
        Self { open: Vec::new(), pending: Vec::new(), take, summary: TelematicsSummary::default() }
    }

    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// An element or object begins.
    pub(super) fn enter(&mut self) {
        self.open.push(Open { first_pending: self.pending.len(), ..Open::default() });
    }

    /// A named text of the innermost element: an attribute, a child with nothing but text, a member of an object.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        let value = value.trim();
        let Some(open) = self.open.last_mut() else { return };
        let target = match normal(name).as_str() {
            "codeidentifier" => {
                // An empty one still makes the element a fault, which is reported.
                open.fault.code = Some(value.to_owned());
                return;
            }
            "codedescription" => &mut open.fault.description,
            "codeseverity" => &mut open.fault.severity,
            "codesource" => &mut open.fault.source,
            "datetime" => &mut open.fault.time,
            "oemname" => &mut open.machine.make,
            "model" => &mut open.machine.model,
            "equipmentid" => &mut open.machine.equipment_id,
            "serialnumber" => &mut open.machine.serial,
            "pin" => &mut open.machine.pin,
            _ => return,
        };
        if !value.is_empty() {
            *target = Some(value.to_owned());
        }
    }

    /// The innermost element or object ends; `name` is what it is called.
    pub(super) fn leave(&mut self, name: &str) {
        let Some(Open { machine, fault, first_pending }) = self.open.pop() else { return };
        if let Some(code) = &fault.code {
            self.fault(code, &fault);
        }
        if machine.is_empty() {
            return;
        }
        // A header speaks for the element that it stands in; the names may also stand there themselves.
        if normal(name) == "equipmentheader"
            && let Some(parent) = self.open.last_mut()
        {
            self.summary.machines += 1;
            parent.machine = machine;
        } else {
            self.settle(first_pending, &machine);
        }
    }

    /// Gives out the faults that no machine was found for.
    pub(super) fn finish(mut self) -> TelematicsSummary {
        self.settle(0, &Machine::default());
        self.summary
    }

    fn fault(&mut self, code: &str, fields: &Fields) {
        if code.is_empty() {
            self.summary.without_code += 1;
            return;
        }
        self.summary.faults += 1;
        let machine = self.open.iter().rev().map(|open| &open.machine).find(|machine| !machine.is_empty());
        let fault = TelematicsFault {
            machine: machine.cloned().unwrap_or_default(),
            fault: FaultCode::parse(code),
            description: fields.description.clone(),
            severity: fields.severity.clone(),
            source: fields.source.clone(),
            time: fields.time.clone(),
            time_s: fields.time.as_deref().and_then(time::date),
        };
        if fault.machine.is_empty() { self.pending.push(fault) } else { (self.take)(fault) }
    }

    fn settle(&mut self, first: usize, machine: &Machine) {
        for mut fault in self.pending.drain(first..) {
            fault.machine = machine.clone();
            (self.take)(fault);
        }
    }
}

/// A name in lower case, without namespace, underscores and the sign that marks an attribute in JSON.
fn normal(name: &str) -> String {
    let local = name.rsplit(':').next().unwrap_or(name);
    local.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
