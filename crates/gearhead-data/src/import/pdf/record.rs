//! One complaint with its cause and its remedy, as a manual gives it.

use super::label::Role;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) equipment: String,
    pub(super) symptom: String,
    pub(super) codes: String,
    pub(super) cause: String,
    pub(super) solution: String,
    /// From 1.
    pub(super) page: u64,
    /// Why it cannot be taken.
    pub(super) fault: Option<String>,
}

impl Record {
    fn field(&mut self, role: Role) -> &mut String {
        match role {
            Role::Equipment => &mut self.equipment,
            Role::Symptom => &mut self.symptom,
            Role::Codes => &mut self.codes,
            Role::Cause => &mut self.cause,
            Role::Solution => &mut self.solution,
        }
    }

    pub(super) fn set(&mut self, role: Role, text: String) {
        *self.field(role) = text;
    }

    /// Adds to what is there.
    pub(super) fn add(&mut self, role: Role, text: &str) {
        let field = self.field(role);
        if !field.is_empty() && !text.is_empty() {
            field.push(' ');
        }
        field.push_str(text);
        if self.fault.is_some() && !text.is_empty() {
            self.check([Role::Symptom, Role::Cause, Role::Solution]);
        }
    }

    /// Notes which of the `needed` parts are missing.
    pub(super) fn check(&mut self, needed: impl IntoIterator<Item = Role>) {
        let missing: Vec<&str> =
            needed.into_iter().filter(|&role| self.field(role).is_empty()).map(Role::in_words).collect();
        self.fault = (!missing.is_empty()).then(|| format!("it has no {}", missing.join(" and no ")));
    }
}
