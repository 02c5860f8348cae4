//! Which column of a table, or key of a record, fills which field of a case.

use std::{collections::HashSet, fmt, path::Path};

use serde::Serialize;

use super::{
    draft::{self, extra_name},
    field::Field,
    vocabulary,
};
use crate::error::{Error, Result};

/// What the user says about fields and columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MappingOptions {
    /// Columns for a field; several, separated by commas, are joined to one text. An empty text keeps a field from
    /// being guessed.
    pub map: Vec<(Field, String)>,
    /// Values for a field where a row has none, such as the one machine that a file is about.
    pub set: Vec<(Field, String)>,
    /// Whether columns without a field are left out of the cases.
    pub drops_extra: bool,
}

impl MappingOptions {
    /// Takes `FIELD=COLUMN` or `FIELD=VALUE` apart.
    ///
    /// # Errors
    ///
    /// Says that there is no such field, or no equals sign.
    pub fn parse_assignment(text: &str) -> std::result::Result<(Field, String), String> {
        let (field, value) = text.split_once('=').ok_or("must be FIELD=VALUE, with an equals sign")?;
        Ok((field.trim().parse()?, value.trim().to_owned()))
    }
}

/// Why a field has the columns that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// The user said so.
    Given,
    /// The column bears the field's name.
    Named,
    /// The column's name is one that people use for the field.
    Guessed,
}

/// A field and what fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mapped {
    /// The field.
    pub field: Field,
    /// The columns, joined in this order.
    pub columns: Vec<String>,
    /// Why these.
    pub origin: Origin,
    /// What the first row that has something there has.
    pub sample: Option<String>,
    #[serde(skip)]
    pub(crate) indices: Vec<usize>,
}

/// The fields of a table and their columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mapping {
    /// Every field that something fills, in the order of a case.
    pub fields: Vec<Mapped>,
    /// Columns without a field: kept under their own names unless they are dropped.
    pub extra: Vec<String>,
    /// Values for fields that a row leaves empty.
    pub set: Vec<(Field, String)>,
    /// Whether the columns in `extra` are left out.
    pub drops_extra: bool,
    /// The columns in `extra` by number, with the key that each is kept under as quoted JSON.
    #[serde(skip)]
    pub(crate) kept: Vec<(usize, Vec<u8>)>,
}

impl Mapping {
    /// Finds the columns for every field: those that the user gave, then those that bear a field's name, then those whose
    /// names or first rows (`samples`) speak for a field. The same input gives the same mapping.
    ///
    /// # Errors
    ///
    /// [`Error::Mapping`] where a column that the user gave is not there, or a required field has neither a column nor a
    /// set value; it names the columns that there are.
    pub fn new(
        path: &Path,
        header: &[String],
        samples: &[Vec<String>],
        options: &MappingOptions,
    ) -> Result<Self> {
        let mut fields = given(path, header, options)?;
        let mut used: HashSet<usize> = fields.iter().flat_map(|mapped| mapped.indices.clone()).collect();
        let is_settled =
            |fields: &[Mapped], field| fields.iter().any(|mapped: &Mapped| mapped.field == field);
        for (index, name) in header.iter().enumerate() {
            if let Some(field) = Field::from_name(name)
                && !used.contains(&index)
                && !is_settled(&fields, field)
            {
                used.insert(index);
                fields.push(Mapped::new(field, header, vec![index], Origin::Named));
            }
        }
        let mut guesses: Vec<(u32, Field, usize)> = Vec::new();
        for field in Field::ALL {
            let is_set = options.set.iter().any(|(set, _)| *set == field);
            if is_set || is_settled(&fields, field) {
                continue;
            }
            for (index, name) in header.iter().enumerate().filter(|(index, _)| !used.contains(index)) {
                let score = vocabulary::score(name, field);
                let score = if score > 0 { weighed(score, field, samples, index) } else { 0 };
                if score > 0 {
                    guesses.push((score, field, index));
                }
            }
        }
        guesses.sort_by_key(|(score, field, index)| (std::cmp::Reverse(*score), *field, *index));
        for (_, field, index) in guesses {
            if !used.contains(&index) && !is_settled(&fields, field) {
                used.insert(index);
                fields.push(Mapped::new(field, header, vec![index], Origin::Guessed));
            }
        }
        // A field that the user gave no column on purpose.
        fields.retain(|mapped| !mapped.indices.is_empty());
        fields.sort_by_key(|mapped| mapped.field);
        for mapped in &mut fields {
            mapped.sample = mapped.find_sample(samples);
        }
        for field in Field::REQUIRED {
            if !is_settled(&fields, field) && !options.set.iter().any(|(set, _)| *set == field) {
                return Err(missing(path, field, header));
            }
        }
        Ok(Self::finish(header, fields, &used, options))
    }

    fn finish(
        header: &[String],
        fields: Vec<Mapped>,
        used: &HashSet<usize>,
        options: &MappingOptions,
    ) -> Self {
        let extra: Vec<usize> = (0..header.len()).filter(|index| !used.contains(index)).collect();
        let mut kept: Vec<(usize, Vec<u8>)> = Vec::new();
        let mut names = HashSet::new();
        for &index in extra.iter().filter(|_| !options.drops_extra) {
            let mut name = extra_name(&header[index]);
            while !names.insert(name.clone()) {
                name.push('_');
            }
            let mut quoted = Vec::new();
            draft::push_json(&mut quoted, &name);
            kept.push((index, quoted));
        }
        Self {
            fields,
            extra: extra.into_iter().map(|index| header[index].clone()).collect(),
            set: options.set.clone(),
            drops_extra: options.drops_extra,
            kept,
        }
    }

    /// Whether every field comes from the key of its own name and nothing is set or left out, so that the source's records
    /// are cases already.
    pub(crate) fn is_identity(&self) -> bool {
        let is_named =
            |field| self.fields.iter().any(|mapped| mapped.field == field && mapped.origin == Origin::Named);
        let all_named =
            self.fields.iter().all(|mapped| mapped.origin == Origin::Named && mapped.field.is_key());
        Field::REQUIRED.into_iter().all(is_named) && all_named && self.set.is_empty() && !self.drops_extra
    }
}

impl Mapped {
    fn new(field: Field, header: &[String], indices: Vec<usize>, origin: Origin) -> Self {
        let columns = indices.iter().map(|index| header[*index].clone()).collect();
        Self { field, columns, origin, sample: None, indices }
    }

    fn find_sample(&self, samples: &[Vec<String>]) -> Option<String> {
        const SAMPLE_CHARS: usize = 60;
        let cells = samples.iter().filter_map(|row| self.indices.iter().find_map(|index| row.get(*index)));
        let text = cells
            .map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" "))
            .find(|cell| !cell.is_empty())?;
        let short: String = text.chars().take(SAMPLE_CHARS).collect();
        Some(if short.len() < text.len() { short + "…" } else { short })
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mapped in &self.fields {
            write!(f, "  {:<16} <- {}", mapped.field, mapped.columns.join(", "))?;
            if let Some(sample) = &mapped.sample {
                write!(f, "  (such as {sample:?})")?;
            }
            writeln!(f)?;
        }
        for (field, value) in &self.set {
            writeln!(f, "  {field:<16} =  {value:?} where the row has none")?;
        }
        if !self.extra.is_empty() {
            let fate = if self.drops_extra { "left out" } else { "kept as they are" };
            writeln!(f, "  {fate}: {}", self.extra.join(", "))?;
        }
        Ok(())
    }
}

/// The fields that the user gave columns for.
fn given(path: &Path, header: &[String], options: &MappingOptions) -> Result<Vec<Mapped>> {
    let mut fields: Vec<Mapped> = Vec::new();
    for (field, columns) in &options.map {
        let mut indices = Vec::new();
        // A header may hold a comma itself.
        let names: Vec<&str> = match find_column(header, columns) {
            Some(_) => vec![columns],
            None => columns.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
        };
        for name in names {
            let index = find_column(header, name).ok_or_else(|| Error::Mapping {
                path: path.to_owned(),
                reason: format!("there is no column {name:?} for `{field}`; {}", listed(header)),
            })?;
            indices.push(index);
        }
        match fields.iter_mut().find(|mapped| mapped.field == *field) {
            Some(mapped) => {
                mapped.columns.extend(indices.iter().map(|index| header[*index].clone()));
                mapped.indices.extend(indices);
            }
            None => fields.push(Mapped::new(*field, header, indices, Origin::Given)),
        }
    }
    Ok(fields)
}

/// The column of this name; if there is none, the only one that differs in case or spaces alone.
fn find_column(header: &[String], name: &str) -> Option<usize> {
    let simple = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    header.iter().position(|column| column == name).or_else(|| {
        let wanted = simple(name);
        let mut alike = header.iter().enumerate().filter(|(_, column)| simple(column) == wanted);
        let (index, _) = alike.next()?;
        alike.next().is_none().then_some(index)
    })
}

/// How the first rows change a guess: what they hold must be what the field takes.
fn weighed(score: u32, field: Field, samples: &[Vec<String>], index: usize) -> u32 {
    let mut cells = samples
        .iter()
        .filter_map(|row| row.get(index))
        .map(|cell| cell.trim())
        .filter(|cell| !cell.is_empty());
    let is_number = |cell: &str| cell.chars().all(|c| c.is_ascii_digit() || " .,-/".contains(c));
    match field {
        Field::Hours if !cells.all(|cell| draft::hours(cell).is_some()) => 0,
        Field::System if !cells.all(|cell| draft::system(cell).is_some()) => 0,
        Field::Spn | Field::Fmi if !cells.all(is_number) => 0,
        // A machine that is only a number says less than a column that names it.
        Field::Equipment if cells.clone().next().is_some() && cells.all(is_number) => {
            score.saturating_sub(30)
        }
        // Numbers tell no story.
        Field::Symptom | Field::ProbableCause | Field::Solution
            if cells.clone().next().is_some() && cells.all(is_number) =>
        {
            0
        }
        _ => score,
    }
}

fn missing(path: &Path, field: Field, header: &[String]) -> Error {
    let advice = match field {
        Field::Equipment => {
            "give --map equipment=COLUMN, or --set equipment=\"CAT 320\" if all rows are of one machine"
        }
        _ => "give --map symptom=COLUMN",
    };
    Error::Mapping {
        path: path.to_owned(),
        reason: format!("no column is recognised as `{field}`; {}; {advice}", listed(header)),
    }
}

fn listed(header: &[String]) -> String {
    const MOST: usize = 40;
    let names: Vec<String> = header.iter().take(MOST).map(|name| format!("{name:?}")).collect();
    let more = if header.len() > MOST { format!(" and {} more", header.len() - MOST) } else { String::new() };
    format!("the columns are {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn options(map: &[&str], set: &[&str]) -> MappingOptions {
        let parse = |texts: &[&str]| {
            texts.iter().map(|text| MappingOptions::parse_assignment(text).unwrap()).collect()
        };
        MappingOptions { map: parse(map), set: parse(set), drops_extra: false }
    }

    /// `field<column` for each, in order.
    fn mapped(names: &[&str], samples: &[&[&str]], options: &MappingOptions) -> Vec<String> {
        let samples: Vec<Vec<String>> = samples.iter().map(|row| header(row)).collect();
        let mapping = Mapping::new(Path::new("t.csv"), &header(names), &samples, options).unwrap();
        mapping.fields.iter().map(|mapped| format!("{}<{}", mapped.field, mapped.columns.join("+"))).collect()
    }

    #[test]
    fn headers_of_maintenance_systems_are_recognised() {
        let none = MappingOptions::default();
        let sap = [
            "Order",
            "Notification",
            "Functional Loc.",
            "Equipment",
            "Description of technical object",
            "Short text",
            "Cause text",
            "Activity text",
            "Malfunction start",
            "Created by",
        ];
        assert_eq!(
            mapped(
                &sap,
                &[&["1", "2", "A-1", "10004711", "PC210", "NO POWER", "x", "y", "2024-01-02", "JD"]],
                &none
            ),
            [
                "equipment<Equipment",
                "symptom<Short text",
                "probable_cause<Cause text",
                "solution<Activity text",
                "id<Order",
                "date<Malfunction start"
            ]
        );
        let shop = ["WO#", "Machine", "S/N", "Hrs", "Complaint", "Cause", "Correction", "DTC", "SPN", "FMI"];
        assert_eq!(
            mapped(
                &shop,
                &[&["7", "CAT 320", "A1", "4120", "no power", "c", "s", "P0087", "157", "18"]],
                &none
            ),
            [
                "equipment<Machine",
                "symptom<Complaint",
                "error_codes<DTC",
                "spn<SPN",
                "fmi<FMI",
                "probable_cause<Cause",
                "solution<Correction",
                "id<WO#",
                "serial<S/N",
                "hours<Hrs"
            ]
        );
        let german = ["Auftrag", "Maschine", "Störung", "Ursache", "Maßnahme", "Betriebsstunden", "Datum"];
        assert_eq!(
            mapped(&german, &[], &none),
            [
                "equipment<Maschine",
                "symptom<Störung",
                "probable_cause<Ursache",
                "solution<Maßnahme",
                "id<Auftrag",
                "hours<Betriebsstunden",
                "date<Datum"
            ]
        );
        let spanish = ["Equipo", "Falla", "Causa raíz", "Acción correctiva", "Horómetro", "Código de falla"];
        assert_eq!(
            mapped(&spanish, &[], &none),
            [
                "equipment<Equipo",
                "symptom<Falla",
                "error_codes<Código de falla",
                "probable_cause<Causa raíz",
                "solution<Acción correctiva",
                "hours<Horómetro"
            ]
        );
        let french = ["Engin", "Panne", "Cause", "Réparation", "Numéro de série"];
        assert_eq!(
            mapped(&french, &[], &none),
            [
                "equipment<Engin",
                "symptom<Panne",
                "probable_cause<Cause",
                "solution<Réparation",
                "serial<Numéro de série"
            ]
        );
    }

    #[test]
    fn a_column_of_the_fields_name_and_what_the_user_says_come_first() {
        let names = ["machine", "equipment", "Problem", "notes"];
        assert_eq!(
            mapped(&names, &[], &MappingOptions::default()),
            ["equipment<equipment", "symptom<Problem"]
        );
        assert_eq!(
            mapped(&names, &[], &options(&["symptom=problem,NOTES", "equipment=machine"], &[])),
            ["equipment<machine", "symptom<Problem+notes"]
        );
        assert_eq!(mapped(&names[2..], &[], &options(&[], &["equipment=CAT 320"])), ["symptom<Problem"]);
        assert_eq!(
            mapped(&["Machine", "Cause", "Problem"], &[], &options(&["probable_cause="], &[])),
            ["equipment<Machine", "symptom<Problem"]
        );
    }

    #[test]
    fn first_rows_speak_against_a_guess() {
        let names = ["Machine", "Problem", "System", "Hours"];
        let fits: &[&[&str]] = &[&["CAT 320", "x", "hydraulics", "12"]];
        let not: &[&[&str]] = &[&["CAT 320", "x", "Boom circuit", "many"]];
        let none = MappingOptions::default();
        assert_eq!(mapped(&names, fits, &none).len(), 4);
        assert_eq!(mapped(&names, not, &none), ["equipment<Machine", "symptom<Problem"]);
    }

    #[test]
    fn what_is_missing_is_said_with_the_columns_that_there_are() {
        let fault = |names: &[&str], options: &MappingOptions| {
            Mapping::new(Path::new("t.csv"), &header(names), &[], options).unwrap_err().to_string()
        };
        assert_eq!(
            fault(&["Problem", "B"], &MappingOptions::default()),
            "t.csv: no column is recognised as `equipment`; the columns are \"Problem\", \"B\"; give --map \
             equipment=COLUMN, or --set equipment=\"CAT 320\" if all rows are of one machine"
        );
        assert_eq!(
            fault(&["Machine", "Problem"], &options(&["symptom=Komplaint"], &[])),
            "t.csv: there is no column \"Komplaint\" for `symptom`; the columns are \"Machine\", \"Problem\""
        );
        assert!(MappingOptions::parse_assignment("symptoms=x").unwrap_err().contains("symptom, error_codes"));
        assert!(MappingOptions::parse_assignment("symptom").is_err());
    }

    #[test]
    fn a_mapping_is_shown_in_columns() {
        let samples = [header(&["CAT 320", "", "x"]), header(&["", "no\n power", ""])];
        let names = header(&["Machine", "Problem", "Site"]);
        let mapping = Mapping::new(Path::new("t"), &names, &samples, &options(&[], &["date=2026"])).unwrap();
        assert_eq!(
            mapping.to_string(),
            "  equipment        <- Machine  (such as \"CAT 320\")\n  symptom          <- Problem  (such as \"no power\")\n  \
             date             =  \"2026\" where the row has none\n  kept as they are: Site\n"
        );
    }

    #[test]
    fn columns_without_a_field_keep_a_name_that_is_no_field() {
        let names = header(&["Machine", "Problem", "solution", "Repair"]);
        let mapping = Mapping::new(Path::new("t"), &names, &[], &options(&["solution=Repair"], &[])).unwrap();
        assert_eq!(mapping.kept, [(2, b"\"solution_column\"".to_vec())]);
        assert!(!mapping.is_identity());
        let cases =
            Mapping::new(Path::new("t"), &header(&["equipment", "symptom", "site"]), &[], &options(&[], &[]));
        assert!(cases.unwrap().is_identity());
    }
}
