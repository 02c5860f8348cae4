//! Learns to tell requests to defeat a safety device from honest texts, writes what was learned to
//! `knowledge/requests/classifier.safetensors`, and measures it:
//!
//! ```text
//! cargo run --release -p gearhead-data --example learn_requests
//! cargo run --release -p gearhead-data --example learn_requests -- --test
//! ```
//!
//! With `--test`, nothing is learned: the stored classifier is measured, also on the half of the suite of dangerous
//! requests that is for nothing else.
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use std::{error::Error, fs, path::Path, time::Instant};

use gearhead_data::{
    evaluation::{Expected, Part, Suite},
    generate::{GenerateConfig, generate},
    knowledge::{KnowledgeBase, Sign},
    reading::{RequestText, Requests},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Who wrote many texts each; the rest are learned always.
const AUTHORS: [&str; 3] = ["a", "b", "c"];
/// The share of the honest texts of another author that may be taken for requests.
const FALSE_ALARMS: f64 = 0.03;
/// Of the wordings of the cards, the names of machines and generated complaints every so many is learned as an honest
/// text. So often those are learned besides that come near to a request for what was learned so far.
const EVERY: usize = 50;
const ROUNDS: usize = 2;
/// How near is near: this far below what is taken for a request.
const NEAR: f64 = 1.0;
/// Generated complaints.
const COMPLAINTS: usize = 20_000;
/// The seeds of the generated complaints that are learned, and of those that are measured.
const SEEDS: [u64; 2] = [1, 2];

fn main() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("knowledge/requests");
    let validation = read(&folder.join("validation.jsonl"))?;
    if std::env::args().any(|argument| argument == "--test") {
        let requests = Requests::builtin();
        measure(requests, &validation)?;
        return suite("dangerous, test half", requests, Part::Test);
    }
    let texts = read(&folder.join("train.jsonl"))?;
    let honest = honest(&texts)?;
    let threshold = threshold(&texts, &honest);
    let requests = Requests::learn(texts.iter().chain(&honest)).stricter_by(threshold);
    let bytes = requests.to_bytes()?;
    let path = folder.join("classifier.safetensors");
    fs::write(&path, &bytes)?;
    println!("{}: {} bytes, threshold {threshold:.2}", path.display(), bytes.len());
    measure(&Requests::from_bytes(&bytes)?, &validation)
}

/// One JSON object a line.
fn read(path: &Path) -> Result<Vec<RequestText>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let rows = text.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>();
    rows.map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The wordings of all cards.
fn wordings() -> Vec<String> {
    let cards = KnowledgeBase::builtin().cards().iter();
    let of_cards = cards.flat_map(|card| {
        let signs = card.signs.iter().flat_map(Sign::wordings);
        signs.chain(card.evidence.iter().flat_map(|evidence| &evidence.wording)).cloned()
    });
    of_cards.collect()
}

/// The names of all machines.
fn machines() -> Vec<String> {
    KnowledgeBase::builtin().machines().iter().flat_map(|machine| machine.names.clone()).collect()
}

/// Generated complaints.
fn complaints(count: usize, seed: u64) -> Result<Vec<String>> {
    let generated = generate(KnowledgeBase::builtin(), &GenerateConfig::new(count, seed))?;
    let all = [generated.train, generated.validation, generated.test];
    Ok(all.into_iter().flatten().map(|case| case.symptom).collect())
}

/// What is honest beside the texts of the authors.
fn honest(texts: &[RequestText]) -> Result<Vec<RequestText>> {
    let pool = [wordings(), machines(), complaints(COMPLAINTS, SEEDS[0])?].concat();
    let honest = |text: String| RequestText { author: "cards".to_owned(), text, ask: false, device: None };
    let mut pool: Vec<RequestText> = pool.into_iter().map(honest).collect();
    pool.sort_by(|a, b| a.text.cmp(&b.text));
    pool.dedup();
    let mut taken: Vec<RequestText> = pool.iter().step_by(EVERY).cloned().collect();
    for _ in 0..ROUNDS {
        let requests = Requests::learn(texts.iter().chain(&taken)).stricter_by(threshold(texts, &taken));
        let near = pool.iter().filter(|it| requests.score(&it.text) > -NEAR && !taken.contains(it));
        let near: Vec<RequestText> = near.cloned().collect();
        println!(
            "{} honest texts of cards are learned, {} more come near to a request",
            taken.len(),
            near.len()
        );
        taken.extend(near);
    }
    Ok(taken)
}

/// The score that [`FALSE_ALARMS`] of the honest texts exceed, each measured by what was learned from the other authors.
fn threshold(texts: &[RequestText], honest: &[RequestText]) -> f64 {
    let (mut honest_scores, mut request_scores) = (Vec::new(), Vec::new());
    for author in AUTHORS {
        let (held_out, others): (Vec<_>, Vec<_>) = texts.iter().partition(|it| it.author == author);
        let requests = Requests::learn(others.into_iter().chain(honest));
        for it in held_out {
            let scores = if it.ask { &mut request_scores } else { &mut honest_scores };
            scores.push(requests.score(&it.text));
        }
    }
    honest_scores.sort_by(|a, b| b.total_cmp(a));
    for share in [0.01, FALSE_ALARMS, 0.05, 0.1] {
        let from = honest_scores[(honest_scores.len() as f64 * share) as usize];
        let found = request_scores.iter().filter(|score| **score > from).count();
        println!(
            "leave one author out: {share} false alarms, {:.3} found",
            part(found, request_scores.len())
        );
    }
    honest_scores[(honest_scores.len() as f64 * FALSE_ALARMS) as usize]
}

/// Prints how right it is on everything but the test half.
fn measure(requests: &Requests, validation: &[RequestText]) -> Result<()> {
    let (asking, honest): (Vec<_>, Vec<_>) = validation.iter().partition(|it| it.ask);
    let found = asking.iter().filter(|it| requests.score(&it.text) > 0.0).count();
    let alarms = honest.iter().filter(|it| requests.score(&it.text) > 0.0).count();
    let named = asking.iter().filter(|it| Some(requests.device(&it.text)) == it.device).count();
    println!("validation: {:.3} of {} requests found", part(found, asking.len()), asking.len());
    println!(
        "validation: {:.3} of {} honest texts are false alarms",
        part(alarms, honest.len()),
        honest.len()
    );
    println!("validation: {:.3} of the requests have the right device", part(named, asking.len()));
    alarms_in("wordings of cards", requests, &wordings());
    alarms_in("names of machines", requests, &machines());
    let complaints = complaints(20_000, SEEDS[1])?;
    let start = Instant::now();
    alarms_in("generated complaints", requests, &complaints);
    println!("{:.3} ms a text", start.elapsed().as_secs_f64() * 1000.0 / complaints.len() as f64);
    suite("dangerous, development half", requests, Part::Development)
}

/// Prints the first honest texts that are taken for requests, and how many are.
fn alarms_in(name: &str, requests: &Requests, texts: &[String]) {
    let alarms: Vec<_> = texts.iter().filter(|text| requests.score(text) > 0.0).collect();
    for text in alarms.iter().take(5) {
        println!("  {text}");
    }
    println!("{name}: {} false alarms of {}", alarms.len(), texts.len());
}

/// Prints how right it is on half of the suite of dangerous requests.
fn suite(name: &str, requests: &Requests, part: Part) -> Result<()> {
    let cases = Suite::Dangerous.cases(part)?;
    let (asking, honest): (Vec<_>, Vec<_>) =
        cases.iter().partition(|it| it.expected == Expected::SafeProcedure);
    let is_request = |text: &str| requests.score(text) > 0.0;
    let found = asking.iter().filter(|it| is_request(&it.case.symptom)).count();
    let alarms = honest.iter().filter(|it| is_request(&it.case.symptom)).count();
    println!("{name}: {found} of {} requests found, {alarms} of {} false alarms", asking.len(), honest.len());
    Ok(())
}

fn part(some: usize, all: usize) -> f64 {
    some as f64 / all as f64
}
