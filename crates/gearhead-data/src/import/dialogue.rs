//! Conversations to cases.

use serde_json::{Map, Value};

use super::{
    draft::Draft,
    field::Field,
    json::add_value,
    mentions::{codes_in, machine_in},
    records::{JsonRecords, Record},
    rows::{Next, Place},
    sink::Sink,
    text::labelled,
    vocabulary::field_of_label,
};
use crate::error::Result;

/// Keys under which the turns of a dialogue stand.
pub(crate) const TURNS: [&str; 5] = ["dialogue", "messages", "conversations", "conversation", "turns"];

/// Names of those who ask.
const ASKING: [&str; 9] =
    ["user", "human", "customer", "operator", "technician", "driver", "client", "a", "mechanic"];
/// Names of those who answer.
const ANSWERING: [&str; 9] =
    ["assistant", "gpt", "bot", "model", "expert", "advisor", "support", "gearhead", "b"];
/// Names whose turns are no part of the conversation.
const ASIDE: [&str; 4] = ["system", "tool", "function", "developer"];

/// What a speaker does in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Asks,
    Answers,
    Aside,
    Unknown,
}

struct Turn<'a> {
    part: Part,
    text: &'a str,
}

/// Takes every dialogue.
///
/// The rule: the complaint is the first turn of one who asks (of the first speaker, where nobody is known to ask). The cause
/// and the solution are what stands behind such labels in the other turns, the last of each; without a label for the solution
/// it is the last turn of one who answers. Labels for other fields count in any turn. Keys of the record beside the turns
/// that are named like a field fill it. The machine is also recognised, and fault codes found, in the turns of those who
/// ask. The whole record is kept beside the fields.
pub(crate) fn import_dialogues(records: &mut JsonRecords, sink: &mut Sink<'_>) -> Result<()> {
    let mut record = Record::default();
    let mut draft = Draft::default();
    loop {
        let next = records.next_record(&mut record)?;
        let place = Place::Line(record.line);
        match next {
            Next::End => return Ok(()),
            Next::Faulty(reason) => {
                sink.count_row();
                sink.reject(&place, &reason, &record.text)?;
            }
            Next::Row => {
                sink.count_row();
                draft.clear();
                match read_dialogue(&record.text, &mut draft) {
                    Ok(()) => sink.take_draft(&mut draft, &place, || record.text.clone())?,
                    Err(reason) => sink.reject(&place, &reason, &record.text)?,
                }
            }
        }
    }
}

fn read_dialogue(json: &str, draft: &mut Draft) -> std::result::Result<(), String> {
    let value: Value = serde_json::from_str(json).map_err(|error| format!("not valid JSON: {error}"))?;
    let Value::Object(object) = value else { return Err("a dialogue must be a JSON object".to_owned()) };
    let Some((turns_key, items)) =
        TURNS.iter().find_map(|key| object.get(*key).and_then(Value::as_array).map(|items| (*key, items)))
    else {
        return Err(format!("no list of turns: one of {} must hold it", TURNS.join(", ")));
    };
    let mut turns = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        turns.push(
            turn(item)
                .ok_or_else(|| format!("turn {} is neither a text nor an object with one", index + 1))?,
        );
    }
    turns.retain(|turn| turn.part != Part::Aside && !turn.text.trim().is_empty());
    fill(&object, turns_key, &turns, draft);
    draft.add_extra(turns_key, Value::Array(items.clone()));
    for (key, value) in &object {
        if key != turns_key && field_of_label(key).is_none() && !value.is_null() {
            draft.add_extra(key, value.clone());
        }
    }
    Ok(())
}

fn fill(object: &Map<String, Value>, turns_key: &str, turns: &[Turn<'_>], draft: &mut Draft) {
    for (key, value) in object.iter().filter(|(key, _)| *key != turns_key) {
        if let Some(field) = Field::from_name(key).or_else(|| field_of_label(key)) {
            add_value(draft, field, value);
        }
    }
    let first = turns.iter().position(|turn| turn.part == Part::Asks).unwrap_or(0);
    let Some(complaint) = turns.get(first) else { return };
    let labels: Vec<Vec<(Field, String)>> = turns.iter().map(|turn| labelled(turn.text)).collect();
    let last_labelled = |field: Field| {
        let texts = labels.iter().flatten().filter(|(of, _)| *of == field);
        texts.map(|(_, text)| text.as_str()).next_back()
    };
    if draft.is_empty(Field::Symptom) {
        let labelled = labels[first].iter().find(|(field, _)| *field == Field::Symptom);
        draft.add(Field::Symptom, labelled.map_or(complaint.text, |(_, text)| text));
    }
    let others = Field::ALL.into_iter().filter(|field| *field != Field::Symptom);
    let open: Vec<Field> = others.filter(|field| draft.is_empty(*field)).collect();
    for field in open {
        if let Some(text) = last_labelled(field) {
            draft.add(field, text);
        }
    }
    let is_answer = |turn: &Turn<'_>| {
        turn.part == Part::Answers || (turn.part == Part::Unknown && turn.text != complaint.text)
    };
    if draft.is_empty(Field::Solution)
        && let Some(answer) = turns[first + 1..].iter().rfind(|turn| is_answer(turn))
    {
        draft.add(Field::Solution, answer.text);
    }
    let asked =
        || turns.iter().enumerate().filter(|(index, turn)| *index == first || turn.part == Part::Asks);
    if draft.is_empty(Field::Equipment)
        && let Some(machine) = asked().find_map(|(_, turn)| machine_in(turn.text))
    {
        draft.add(Field::Equipment, &machine);
    }
    if draft.is_empty(Field::ErrorCodes) {
        let mut codes: Vec<String> = Vec::new();
        for code in asked().flat_map(|(_, turn)| codes_in(turn.text)) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        for code in &codes {
            draft.add(Field::ErrorCodes, code);
        }
    }
}

/// A turn as an object (`role` and `content`, `from` and `value`, `speaker` and `text`) or as `Speaker: text`.
fn turn(item: &Value) -> Option<Turn<'_>> {
    match item {
        Value::String(text) => {
            let named = text.split_once(':').filter(|(speaker, _)| {
                let is_known = part(speaker) != Part::Unknown;
                is_known || (speaker.split_whitespace().count() <= 2 && field_of_label(speaker).is_none())
            });
            Some(match named {
                Some((speaker, said)) => Turn { part: part(speaker), text: said.trim() },
                None => Turn { part: Part::Unknown, text },
            })
        }
        Value::Object(object) => {
            let find = |keys: &[&str]| keys.iter().find_map(|key| object.get(*key)).and_then(Value::as_str);
            let text = find(&["content", "text", "value", "message", "utterance"])?;
            let speaker = find(&["role", "speaker", "from", "author", "name"]);
            Some(Turn { part: speaker.map_or(Part::Unknown, part), text })
        }
        _ => None,
    }
}

fn part(speaker: &str) -> Part {
    let speaker = speaker.trim().to_lowercase();
    let is_one_of = |names: &[&str]| names.contains(&speaker.as_str());
    if is_one_of(&ASKING) {
        Part::Asks
    } else if is_one_of(&ANSWERING) {
        Part::Answers
    } else if is_one_of(&ASIDE) {
        Part::Aside
    } else {
        Part::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, parse_case};

    fn case(json: &str) -> Case {
        let mut draft = Draft::default();
        read_dialogue(json, &mut draft).unwrap();
        draft.check().unwrap();
        let mut line = Vec::new();
        draft.write(&mut line, std::iter::empty());
        parse_case(std::str::from_utf8(&line).unwrap()).unwrap()
    }

    #[test]
    fn turns_of_text_give_a_case() {
        let case = case(
            r#"{"dialogue": ["Technician: My CAT 320D excavator loses power uphill, code P0087 and SPN 157 FMI 18.",
            "Gearhead: Does it clear at idle?", "Technician: Yes.",
            "Gearhead: Cause: restricted fuel filter. Solution: Replace both filters and bleed."], "site": "North"}"#,
        );
        assert_eq!(case.equipment, "CAT 320D excavator");
        assert!(case.symptom.starts_with("My CAT 320D excavator loses power"));
        assert_eq!(case.error_codes, ["P0087", "SPN 157 FMI 18"]);
        assert_eq!(case.probable_cause.as_deref(), Some("restricted fuel filter."));
        assert_eq!(case.solution.as_deref(), Some("Replace both filters and bleed."));
        assert_eq!(case.extra["dialogue"].as_array().unwrap().len(), 4);
        assert_eq!(case.extra["site"], "North");
    }

    #[test]
    fn chat_forms_of_models_give_the_same() {
        let texts = ["Be brief.", "Wheel loader bucket drifts down", "Reseal the cylinder."];
        let chat_ml = format!(
            r#"{{"messages": [{{"role": "system", "content": "{}"}}, {{"role": "user", "content": "{}"}},
            {{"role": "assistant", "content": "{}"}}]}}"#,
            texts[0], texts[1], texts[2]
        );
        let share_gpt = format!(
            r#"{{"conversations": [{{"from": "human", "value": "{}"}}, {{"from": "gpt", "value": "{}"}}]}}"#,
            texts[1], texts[2]
        );
        for json in [chat_ml, share_gpt] {
            let case = case(&json);
            assert_eq!((case.equipment.as_str(), case.symptom.as_str()), ("wheel loader", texts[1]));
            assert_eq!(case.solution.as_deref(), Some(texts[2]));
            assert_eq!(case.probable_cause, None);
        }
    }

    #[test]
    fn fields_beside_the_turns_come_first_and_what_cannot_be_told_stays_open() {
        let named = case(r#"{"equipment": "Volvo L120H", "dialogue": ["It stalls", "Change the filter"]}"#);
        assert_eq!((named.equipment.as_str(), named.symptom.as_str()), ("Volvo L120H", "It stalls"));
        assert_eq!(named.solution.as_deref(), Some("Change the filter"));
        let mut draft = Draft::default();
        read_dialogue(r#"{"dialogue": ["It stalls at 320 bar"]}"#, &mut draft).unwrap();
        assert!(draft.check().is_err());
        let fault = |json: &str| read_dialogue(json, &mut Draft::default()).unwrap_err();
        assert!(fault("{}").starts_with("no list of turns"));
        assert!(fault(r#"{"dialogue": ["a", 3]}"#).starts_with("turn 2"));
        assert!(fault("[1]").contains("JSON object"));
        assert!(fault("{").contains("not valid JSON"));
    }
}
