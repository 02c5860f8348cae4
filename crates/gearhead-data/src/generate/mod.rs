//! Cases made from the fault cards: seeded, varied, and split so that no wording stands on both sides.

mod complaint;
mod measure;
mod noise;
mod pools;
mod report_codes;
mod slice;
mod vocabulary;
mod wording;

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use slice::Slices;

pub use slice::Slice;
pub use wording::{Split, learnable};

use crate::{
    case::Case,
    error::{Error, Result},
    knowledge::{Card, KnowledgeBase, ended},
};
use complaint::Telling;
use pools::{CardPool, Pools};

/// The share of test cases that are given a machine that is held out with the fault, and again of those that are given a
/// name that is held out.
const HELD_OUT: f64 = 0.25;

/// What to generate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GenerateConfig {
    /// Cases over all three splits.
    pub count: usize,
    /// The same seed gives the same cases.
    pub seed: u64,
    /// Share of the cases that go to validation, and again to test.
    pub held_out_share: f64,
}

impl GenerateConfig {
    /// `count` cases, a tenth of them for validation and a tenth for test.
    pub fn new(count: usize, seed: u64) -> Self {
        Self { count, seed, held_out_share: 0.1 }
    }
}

/// Generated cases in three splits that share no wording of a complaint.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Generated {
    /// To learn from.
    pub train: Vec<Case>,
    /// To choose by.
    pub validation: Vec<Case>,
    /// To measure on.
    pub test: Vec<Case>,
}

impl Generated {
    /// The cases of a split.
    pub fn split(&self, split: Split) -> &[Case] {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }
}

/// Generates cases from every card of `knowledge`, each card about equally often in each split.
///
/// Which split a wording belongs to depends on the cards alone, not on the seed: a model trained on any generated
/// training split has met no wording of any generated test split.
///
/// # Errors
///
/// [`Error::Generate`] when `count` is too small to fill three splits.
pub fn generate(knowledge: &KnowledgeBase, config: &GenerateConfig) -> Result<Generated> {
    let held_out = (config.count as f64 * config.held_out_share).round() as usize;
    if held_out == 0 || held_out * 2 >= config.count {
        return Err(Error::Generate(format!(
            "count is {}: too few cases for training, validation and test (use at least 10)",
            config.count
        )));
    }
    let split = |split: Split, count: usize| {
        // Each split has a stream of random numbers of its own, so that its size does not change the others.
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        rng.set_stream(split as u64);
        cases(knowledge, split, count, &mut rng)
    };
    Ok(Generated {
        train: split(Split::Train, config.count - 2 * held_out),
        validation: split(Split::Validation, held_out),
        test: split(Split::Test, held_out),
    })
}

fn cases(knowledge: &KnowledgeBase, split: Split, count: usize, rng: &mut ChaCha8Rng) -> Vec<Case> {
    let pools = Pools::new(knowledge, split);
    let mut order: Vec<&CardPool<'_>> = Vec::new();
    (0..count)
        .map(|number| {
            if order.is_empty() {
                order = pools.cards.iter().filter(|pool| !pool.machines.is_empty()).collect();
                order.shuffle(rng);
            }
            let pool = order.pop().expect("the knowledge base has cards");
            let mut case = one_case(knowledge, &pools, pool, split, rng);
            case.id = Some(format!("{}-{:06}", split.as_str(), number + 1));
            case
        })
        .collect()
}

fn one_case(
    knowledge: &KnowledgeBase,
    pools: &Pools<'_>,
    pool: &CardPool<'_>,
    split: Split,
    rng: &mut ChaCha8Rng,
) -> Case {
    let card = pool.card;
    let mut slices = Slices::default();
    let may_be_held_out = split == Split::Test && !pool.held_out_machines.is_empty();
    let machine = if may_be_held_out && rng.random_bool(HELD_OUT) {
        slices.add(Slice::HeldOutPair);
        *pick(rng, &pool.held_out_machines)
    } else {
        *pick(rng, &pool.machines)
    };
    let telling = match rng.random_range(0..100) {
        0..2 if !card.codes.is_empty() => Telling::CodeOnly,
        2..5 => Telling::TooLittle,
        _ => Telling::Plain,
    };
    let second = (telling == Telling::Plain && rng.random_bool(0.04))
        .then(|| {
            let is_other = |it: &&CardPool<'_>| it.card.system != card.system && machine.can_have(it.card);
            let others: Vec<&CardPool<'_>> = pools.cards.iter().filter(is_other).collect();
            (!others.is_empty()).then(|| *pick(rng, &others))
        })
        .flatten();
    for (slice, is_so) in [
        (Slice::CodeOnly, telling == Telling::CodeOnly),
        (Slice::TooLittle, telling == Telling::TooLittle),
        (Slice::TwoFaults, second.is_some()),
    ] {
        if is_so {
            slices.add(slice);
        }
    }
    let second_card = second.map(|pool| pool.card);
    let is_code_only = telling == Telling::CodeOnly;
    let symptom = complaint::complaint(pools, pool, second, machine, telling, &mut slices, rng);
    let error_codes =
        report_codes::report_codes(knowledge, card, second_card, &symptom, is_code_only, &mut slices, rng);
    let equipment = complaint::equipment(machine, split, &mut slices, rng);
    let mut case = Case {
        error_codes,
        diagnostic_steps: card.tests.iter().take(3).map(|test| test.action.clone()).collect(),
        probable_cause: Some(cause(card, second_card, rng)),
        solution: Some(solution(card, second_card, rng)),
        fault: Some(card.id.clone()),
        system: Some(card.system),
        hours: Some(rng.random_range(200..18_000).into()),
        ..Case::new(equipment, symptom)
    };
    case.extra.insert(Slice::FIELD.to_owned(), slices.to_json());
    case
}

/// What it was: the card's title, why, and sometimes what was found at the root of it.
fn cause(card: &Card, second: Option<&Card>, rng: &mut ChaCha8Rng) -> String {
    let mut sentences = vec![format!("{}. {}", card.title, ended(pick::<String>(rng, &card.explanation)))];
    if !card.likely.is_empty() && rng.random_bool(0.25) {
        // The list is ordered by likelihood: the smaller of two draws comes early.
        let at = rng.random_range(0..card.likely.len()).min(rng.random_range(0..card.likely.len()));
        let opening = *pick(rng, &["Root cause", "Found", "Traced to"]);
        sentences.push(format!("{opening}: {}.", card.likely[at]));
    }
    sentences.extend(second.map(|second| format!("Second fault: {}.", second.title)));
    sentences.join(" ")
}

/// What cured it.
fn solution(card: &Card, second: Option<&Card>, rng: &mut ChaCha8Rng) -> String {
    let mut sentences = vec![ended(pick::<String>(rng, &card.repair))];
    sentences.extend(
        second.map(|second| format!("For the second fault: {}", ended(pick::<String>(rng, &second.repair)))),
    );
    sentences.join(" ")
}

/// One of `items`, each equally likely.
fn pick<'a, T>(rng: &mut ChaCha8Rng, items: &'a [T]) -> &'a T {
    &items[rng.random_range(0..items.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::{code::NamedPart, knowledge::Sign};

    fn generated() -> Generated {
        generate(KnowledgeBase::builtin(), &GenerateConfig::new(3_000, 7)).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_cases_and_another_gives_others() {
        assert_eq!(generated(), generated());
        let other = generate(KnowledgeBase::builtin(), &GenerateConfig::new(3_000, 8)).unwrap();
        assert_ne!(generated().train, other.train);
    }

    #[test]
    fn no_wording_stands_in_two_splits() {
        for card in KnowledgeBase::builtin().cards() {
            let groups = card.signs.iter().map(|sign| sign.wordings().cloned().collect::<Vec<_>>());
            for group in groups.chain(card.evidence.iter().map(|evidence| evidence.wording.clone())) {
                let of = |split| wording::of_split(&group, split).into_iter().collect::<HashSet<_>>();
                let (train, validation, test) = (of(Split::Train), of(Split::Validation), of(Split::Test));
                assert!(!train.is_empty() && !validation.is_empty() && !test.is_empty(), "{}", card.id);
                assert_eq!(train.len() + validation.len() + test.len(), group.len(), "{}", card.id);
            }
        }
        let complaints =
            |cases: &[Case]| cases.iter().map(|case| case.symptom.clone()).collect::<HashSet<_>>();
        let generated = generated();
        assert!(complaints(&generated.train).is_disjoint(&complaints(&generated.test)));
        assert!(complaints(&generated.train).is_disjoint(&complaints(&generated.validation)));
    }

    #[test]
    fn machines_can_have_their_faults_and_splits_have_their_sizes() {
        let knowledge = KnowledgeBase::builtin();
        let generated = generated();
        assert_eq!(
            [generated.train.len(), generated.validation.len(), generated.test.len()],
            [2_400, 300, 300]
        );
        for case in generated.train.iter().chain(&generated.test) {
            let card = knowledge.card(case.fault.as_ref().unwrap()).unwrap();
            let machine = knowledge.machine(&case.equipment);
            assert!(
                machine.is_some_and(|machine| machine.can_have(card)),
                "{} on {}",
                card.id,
                case.equipment
            );
        }
    }

    fn has(case: &Case, slice: Slice) -> bool {
        case.extra[Slice::FIELD].as_array().unwrap().iter().any(|name| name == slice.as_str())
    }

    #[test]
    fn every_kind_of_case_is_there_and_none_is_everywhere() {
        let cases = generated().train;
        for (slice, at_least, at_most) in [
            (Slice::NoCode, 0.3, 0.75),
            (Slice::CodeOnly, 0.005, 0.04),
            (Slice::UnknownCode, 0.01, 0.06),
            (Slice::StaleCode, 0.04, 0.15),
            (Slice::SeveralCodes, 0.03, 0.4),
            (Slice::TwoFaults, 0.015, 0.06),
            (Slice::TooLittle, 0.015, 0.06),
            (Slice::Note, 0.1, 0.5),
            (Slice::Negation, 0.02, 0.4),
            (Slice::Units, 0.02, 0.4),
            (Slice::Condition, 0.1, 0.4),
            (Slice::Abbreviated, 0.05, 0.4),
            (Slice::Mistyped, 0.05, 0.2),
            (Slice::HeldOutPair, -1.0, 1e-9),
            (Slice::HeldOutMachine, -1.0, 1e-9),
        ] {
            let share = cases.iter().filter(|case| has(case, slice)).count() as f64 / cases.len() as f64;
            assert!((at_least..at_most).contains(&share), "{}: {share:.3}", slice.as_str());
        }
    }

    #[test]
    fn slices_say_what_is_true() {
        let knowledge = KnowledgeBase::builtin();
        let tables = crate::code::CodeTable::builtin();
        for case in generated().train {
            let codes = case.codes();
            assert_eq!(has(&case, Slice::NoCode), codes.is_empty(), "{case:?}");
            let card = knowledge.card(case.fault.as_ref().unwrap()).unwrap();
            let own = codes.iter().filter(|code| card.lists(code)).count();
            for code in &codes {
                let part = NamedPart::of(&code.code);
                let other = part.and_then(|part| part.contradicted_by([case.symptom.as_str()]));
                assert_eq!(other, None, "{case:?}");
            }
            if has(&case, Slice::CodeOnly) {
                assert!(own > 0, "{case:?}");
            }
            if has(&case, Slice::UnknownCode) {
                assert!(codes.iter().any(|code| !tables.decode(code).known), "{case:?}");
            }
            if has(&case, Slice::Note) {
                assert!((3..=8).contains(&case.symptom.split_whitespace().count()), "{case:?}");
            }
            let cause = case.probable_cause.as_ref().unwrap();
            assert!(cause.starts_with(&format!("{}. ", card.title)), "{cause}");
            assert_eq!(has(&case, Slice::TwoFaults), cause.contains(" Second fault: "), "{cause}");
        }
    }

    #[test]
    fn what_is_held_out_stands_in_no_training_case() {
        let knowledge = KnowledgeBase::builtin();
        let generated = generated();
        let pair = |case: &Case| {
            let machine = knowledge.machine(&case.equipment).unwrap();
            (case.fault.clone().unwrap(), machine.kind.clone())
        };
        let learned: HashSet<_> = generated.train.iter().chain(&generated.validation).map(pair).collect();
        let trained = generated.train.iter().chain(&generated.validation);
        let names: HashSet<String> = trained.map(|case| case.equipment.to_lowercase()).collect();
        let (mut pairs, mut machines) = (0, 0);
        for case in &generated.test {
            if has(case, Slice::HeldOutPair) {
                assert!(!learned.contains(&pair(case)), "{case:?}");
                pairs += 1;
            }
            if has(case, Slice::HeldOutMachine) {
                assert!(!names.contains(&case.equipment.to_lowercase()), "{case:?}");
                machines += 1;
            }
        }
        let share = |count: usize| count as f64 / generated.test.len() as f64;
        assert!(share(pairs) > 0.15 && share(machines) > 0.15, "{pairs} {machines}");
    }

    /// What a table from machine to the commonest fault would score beside the commonest fault of all.
    #[test]
    fn the_machine_alone_tells_nearly_nothing() {
        let generated = generated();
        let mut by_machine: HashMap<&str, HashMap<&str, usize>> = HashMap::new();
        for case in &generated.train {
            let faults = by_machine.entry(&case.equipment).or_default();
            *faults.entry(case.fault.as_deref().unwrap()).or_default() += 1;
        }
        let commonest = |machine: &str| by_machine.get(machine)?.iter().max_by_key(|(_, count)| **count);
        let right = generated.test.iter().filter(|case| {
            commonest(&case.equipment).is_some_and(|(fault, _)| Some(*fault) == case.fault.as_deref())
        });
        let share = right.count() as f64 / generated.test.len() as f64;
        assert!(share < 0.05, "the machine alone solves {share:.3}");
    }

    #[test]
    fn codes_alone_do_not_solve_the_cases() {
        let knowledge = KnowledgeBase::builtin();
        let generated = generated();
        let solved = generated.test.iter().filter(|case| {
            let codes = case.codes();
            let named: Vec<_> = codes.iter().flat_map(|code| knowledge.cards_with_code(code)).collect();
            named.first().is_some_and(|card| Some(&card.id) == case.fault.as_ref())
        });
        let share = solved.count() as f64 / generated.test.len() as f64;
        assert!(share < 0.6, "a code lookup solves {share:.2}");
    }

    #[test]
    fn complaints_are_varied() {
        let generated = generated();
        let distinct = generated.train.iter().map(|case| &case.symptom).collect::<HashSet<_>>().len();
        assert!(distinct as f64 > 0.85 * generated.train.len() as f64, "{distinct} distinct complaints");
        let wordings =
            KnowledgeBase::builtin().cards().iter().flat_map(|card| &card.signs).flat_map(Sign::wordings);
        assert!(wordings.count() > 10_000);
    }

    #[test]
    fn too_few_cases_are_refused() {
        assert!(generate(KnowledgeBase::builtin(), &GenerateConfig::new(3, 1)).is_err());
    }
}
