//! Names that companies give to the fields of a case: headers of maintenance systems, and labels in notes.

use super::field::Field;

/// A name and how surely it means the field, in percent.
type Names = &'static [(&'static str, u32)];

/// The names of each field in words without accents: English, then German, Spanish and French. Where one header can
/// mean two fields, the surer one takes it and the other looks on.
const NAMES: [(Field, Names); 14] = [
    (
        Field::Equipment,
        &[
            ("equipment description", 104),
            ("machine description", 104),
            ("asset description", 103),
            ("equipment name", 102),
            ("machine name", 102),
            ("asset name", 101),
            ("equipment model", 102),
            ("machine model", 102),
            ("equipment type", 101),
            ("machine type", 101),
            ("equipment", 100),
            ("machine", 98),
            ("vehicle", 88),
            ("asset", 86),
            ("unit", 80),
            ("make model", 90),
            ("model", 72),
            ("truck", 64),
            ("functional location description", 70),
            ("functional location", 62),
            ("object description", 64),
            ("object", 58),
            ("fleet", 50),
            ("maschine", 98),
            ("gerat", 90),
            ("anlage", 80),
            ("fahrzeug", 88),
            ("maschinentyp", 100),
            ("technischer platz", 62),
            ("equipo", 98),
            ("maquina", 98),
            ("vehiculo", 88),
            ("modelo", 72),
            ("equipement", 98),
            ("engin", 96),
            ("vehicule", 88),
            ("modele", 72),
        ],
    ),
    (
        Field::Symptom,
        &[
            ("symptom", 100),
            ("complaint", 97),
            ("customer complaint", 98),
            ("operator complaint", 98),
            ("problem description", 96),
            ("problem", 95),
            ("fault description", 93),
            ("failure description", 92),
            ("issue description", 94),
            ("issue", 90),
            ("short text", 86),
            ("failure mode", 84),
            ("defect", 80),
            ("fault", 78),
            ("failure", 74),
            ("malfunction", 80),
            ("concern", 76),
            ("work order description", 75),
            ("order description", 74),
            ("notification text", 74),
            ("description", 62),
            ("observation", 60),
            ("long text", 50),
            ("text", 44),
            ("kurztext", 86),
            ("storung", 92),
            ("problembeschreibung", 96),
            ("fehlerbeschreibung", 94),
            ("fehlerbild", 92),
            ("fehler", 78),
            ("beanstandung", 92),
            ("meldungstext", 80),
            ("beschreibung", 62),
            ("sintoma", 98),
            ("queja", 92),
            ("falla", 84),
            ("averia", 88),
            ("problema", 95),
            ("descripcion del problema", 96),
            ("descripcion", 62),
            ("symptome", 98),
            ("plainte", 92),
            ("panne", 90),
            ("probleme", 95),
            ("defaut", 78),
        ],
    ),
    (
        Field::ErrorCodes,
        &[
            ("error code", 100),
            ("fault code", 98),
            ("diagnostic code", 97),
            ("diagnostic trouble code", 99),
            ("trouble code", 96),
            ("dtc", 96),
            ("alarm code", 84),
            ("event code", 78),
            ("error", 66),
            ("code", 52),
            ("fehlercode", 98),
            ("storungscode", 96),
            ("codigo de error", 98),
            ("codigo de falla", 98),
            ("codigo", 52),
            ("code erreur", 98),
            ("code defaut", 98),
            ("code d erreur", 98),
        ],
    ),
    (Field::Spn, &[("spn", 100), ("suspect parameter number", 99)]),
    (Field::Fmi, &[("fmi", 100), ("failure mode identifier", 99)]),
    (
        Field::DiagnosticSteps,
        &[
            ("diagnostic step", 100),
            ("step", 72),
            ("check", 66),
            ("test performed", 78),
            ("inspection", 52),
            ("troubleshooting", 74),
            ("diagnostic procedure", 84),
            ("prufschritt", 90),
            ("prufung", 60),
            ("paso", 72),
            ("pasos de diagnostico", 96),
            ("etape", 72),
            ("verification", 50),
        ],
    ),
    (
        Field::ProbableCause,
        &[
            ("probable cause", 100),
            ("root cause", 98),
            ("failure cause", 96),
            ("cause of failure", 96),
            ("possible cause", 94),
            ("cause", 92),
            ("diagnosis", 84),
            ("fault label", 62),
            ("reason", 58),
            ("cause text", 88),
            ("finding", 66),
            ("ursache", 96),
            ("schadensursache", 97),
            ("fehlerursache", 97),
            ("diagnose", 84),
            ("causa raiz", 98),
            ("causa probable", 99),
            ("causa", 94),
            ("diagnostico", 80),
            ("cause probable", 99),
            ("cause racine", 98),
            ("diagnostic", 60),
        ],
    ),
    (
        Field::Solution,
        &[
            ("solution", 100),
            ("corrective action", 98),
            ("correction", 96),
            ("action taken", 95),
            ("resolution", 94),
            ("remedy", 94),
            ("work performed", 93),
            ("work done", 93),
            ("repair performed", 93),
            ("repair action", 93),
            ("recommended action", 90),
            ("repair", 84),
            ("fix", 86),
            ("action", 80),
            ("activity", 54),
            ("activity text", 60),
            ("closing comment", 66),
            ("completion note", 66),
            ("losung", 98),
            ("massnahme", 92),
            ("abhilfe", 96),
            ("behebung", 95),
            ("reparatur", 84),
            ("durchgefuhrte arbeiten", 93),
            ("solucion", 98),
            ("accion correctiva", 98),
            ("accion", 80),
            ("reparacion", 84),
            ("trabajo realizado", 93),
            ("remede", 94),
            ("action corrective", 98),
            ("reparation", 84),
            ("travaux effectues", 93),
            ("travail effectue", 93),
        ],
    ),
    (
        Field::Id,
        &[
            ("id", 90),
            ("case id", 92),
            ("record id", 91),
            ("work order number", 90),
            ("work order", 86),
            ("wo", 86),
            ("order number", 80),
            ("order", 74),
            ("notification number", 78),
            ("notification", 72),
            ("ticket", 76),
            ("job number", 76),
            ("job", 60),
            ("auftragsnummer", 86),
            ("auftrag", 80),
            ("meldung", 72),
            ("orden de trabajo", 86),
            ("orden", 74),
            ("ordre de travail", 86),
            ("ot", 70),
            ("ordre", 70),
        ],
    ),
    (
        Field::Serial,
        &[
            ("serial number", 100),
            ("serial", 96),
            ("s n", 92),
            ("sn", 84),
            ("vin", 84),
            ("pin", 58),
            ("seriennummer", 100),
            ("numero de serie", 100),
            ("serie", 78),
            ("n de serie", 98),
        ],
    ),
    (
        Field::Hours,
        &[
            ("hours", 96),
            ("hour meter", 98),
            ("engine hours", 98),
            ("machine hours", 98),
            ("operating hours", 98),
            ("smu", 94),
            ("smr", 92),
            ("meter reading", 88),
            ("hrs", 90),
            ("meter", 74),
            ("betriebsstunden", 98),
            ("stunden", 84),
            ("horometro", 98),
            ("horas", 94),
            ("horas de operacion", 98),
            ("heures", 94),
            ("compteur horaire", 98),
            ("horametre", 98),
            ("compteur", 74),
        ],
    ),
    (
        Field::Date,
        &[
            ("date", 96),
            ("failure date", 94),
            ("reported date", 92),
            ("report date", 92),
            ("created on", 84),
            ("notification date", 88),
            ("date opened", 84),
            ("basic start date", 78),
            ("start date", 80),
            ("malfunction start", 80),
            ("reported on", 84),
            ("datum", 96),
            ("fecha", 96),
            ("date de panne", 92),
        ],
    ),
    (Field::Fault, &[("fault id", 92), ("fault card", 92), ("fault", 50)]),
    (Field::System, &[("system", 80), ("sistema", 70), ("systeme", 70)]),
];

/// Words that make a column a number, a key or a person, unless the name asks for them.
const KEY_WORDS: [&str; 17] = [
    "code", "id", "no", "number", "key", "date", "time", "by", "qty", "cost", "group", "count", "hours",
    "status", "priority", "user", "category",
];

/// The least sureness at which a header is taken.
const LEAST_SCORE: u32 = 40;

/// How surely a header means a field, from [`LEAST_SCORE`] up; 0 where it does not.
pub(crate) fn score(header: &str, field: Field) -> u32 {
    let words = words(header);
    let scores = names_of(field).iter().map(|(name, score)| likeness(&words, name, *score));
    scores.max().filter(|score| *score >= LEAST_SCORE).unwrap_or(0)
}

/// The field that a label in front of a colon means: only names that mean nothing else in a note.
pub(crate) fn field_of_label(label: &str) -> Option<Field> {
    let words = words(label);
    let named = NAMES.iter().flat_map(|(field, names)| {
        let exact = names.iter().filter(|(name, score)| *score >= 58 && is_same(&words, name));
        exact.map(|(_, score)| (*score, *field))
    });
    // Of two equal scores the earlier field.
    named.max_by_key(|(score, field)| (*score, std::cmp::Reverse(*field))).map(|(_, field)| field)
}

fn names_of(field: Field) -> Names {
    NAMES.iter().find(|(of, _)| *of == field).map_or(&[], |(_, names)| names)
}

/// The whole header counts fully; a header that has further words counts less, the more there are.
fn likeness(words: &[String], name: &str, score: u32) -> u32 {
    if is_same(words, name) {
        return score;
    }
    let n_name_words = name.split(' ').count();
    let holds = words.windows(n_name_words).any(|window| is_same(window, name));
    // A single generic word among others says too little.
    if !holds || score < 55 {
        return 0;
    }
    let has_key_word = KEY_WORDS
        .iter()
        .any(|key| words.iter().any(|word| word == key) && !name.split(' ').any(|word| word == *key));
    let penalty = 14 + 4 * (words.len() - n_name_words) as u32 + if has_key_word { 34 } else { 0 };
    score.saturating_sub(penalty)
}

fn is_same(words: &[String], name: &str) -> bool {
    let mut names = name.split(' ');
    words.iter().all(|word| names.next().is_some_and(|name| is_same_word(word, name)))
        && names.next().is_none()
}

/// Equal, up to a plural ending.
fn is_same_word(word: &str, name: &str) -> bool {
    word == name || (word.len() > 3 && singular(word) == singular(name))
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

/// The words of a header in lower case without accents, cut where the case changes (`ErrorCode`) and at everything
/// that is neither letter nor digit. A plural in brackets (`Cause(s)`) is left out.
fn words(header: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in header.replace("(s)", "").chars() {
        let is_new = !c.is_alphanumeric() || (c.is_uppercase() && was_lower);
        if is_new && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            c.to_lowercase().for_each(|c| push_without_accent(word, c));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn push_without_accent(word: &mut String, c: char) {
    let plain = match c {
        'à'..='å' => "a",
        'ç' => "c",
        'è'..='ë' => "e",
        'ì'..='ï' => "i",
        'ñ' => "n",
        'ò'..='ö' | 'ø' => "o",
        'ù'..='ü' => "u",
        'ß' => "ss",
        // A combining mark after its letter.
        '\u{300}'..='\u{36F}' => "",
        other => return word.push(other),
    };
    word.push_str(plain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_words_without_accents() {
        assert_eq!(words("ErrorCodes"), ["error", "codes"]);
        assert_eq!(words("Potential Cause(s) of Failure"), ["potential", "cause", "of", "failure"]);
        assert_eq!(words("MASSNAHME / Störung-Größe"), ["massnahme", "storung", "grosse"]);
        assert_eq!(words("S/N"), ["s", "n"]);
        assert_eq!(words(""), Vec::<String>::new());
    }

    #[test]
    fn the_more_exact_name_is_surer() {
        assert!(score("Problem", Field::Symptom) > score("Description", Field::Symptom));
        assert!(score("Cause", Field::ProbableCause) > score("Cause code", Field::ProbableCause));
        assert!(score("Equipment description", Field::Equipment) > score("Equipment", Field::Equipment));
        assert_eq!(score("Severity", Field::Symptom), 0);
        assert_eq!(score("Created by", Field::Date), 0);
    }

    #[test]
    fn labels_of_notes_name_their_field() {
        let cases = [
            ("Problem", Field::Symptom),
            ("Error Codes", Field::ErrorCodes),
            ("ROOT CAUSE", Field::ProbableCause),
            ("Fix", Field::Solution),
            ("Ursache", Field::ProbableCause),
            ("Lösung", Field::Solution),
            ("S/N", Field::Serial),
            ("Steps", Field::DiagnosticSteps),
        ];
        for (label, field) in cases {
            assert_eq!(field_of_label(label), Some(field), "{label}");
        }
        assert_eq!(field_of_label("Note"), None);
        assert_eq!(field_of_label("Check the problem"), None);
    }

    #[test]
    fn every_name_is_written_as_headers_are_compared() {
        for (field, names) in NAMES {
            for (name, score) in names {
                assert_eq!(words(name).join(" "), *name, "{field}");
                assert!(*score >= LEAST_SCORE, "{name}");
            }
        }
    }
}
