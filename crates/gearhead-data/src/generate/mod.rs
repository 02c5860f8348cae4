//! Cases made from the fault cards: seeded, varied, and split so that no wording stands on both sides.

mod complaint;
mod noise;
mod report_codes;
mod wording;

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

pub use wording::{Split, learnable};

use crate::{
    case::Case,
    error::{Error, Result},
    knowledge::{Card, KnowledgeBase},
};

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
    let mut order: Vec<&Card> = Vec::new();
    (0..count)
        .map(|number| {
            if order.is_empty() {
                order = knowledge.cards().iter().collect();
                order.shuffle(rng);
            }
            let card = order.pop().expect("the knowledge base has cards");
            let mut case = one_case(knowledge, card, split, rng);
            case.id = Some(format!("{}-{:06}", split.as_str(), number + 1));
            case
        })
        .collect()
}

fn one_case(knowledge: &KnowledgeBase, card: &Card, split: Split, rng: &mut ChaCha8Rng) -> Case {
    let able: Vec<_> = knowledge.machines().iter().filter(|machine| machine.can_have(card)).collect();
    let machine = pick(rng, &able);
    Case {
        error_codes: report_codes::report_codes(knowledge, card, rng),
        diagnostic_steps: card.tests.iter().take(3).map(|test| test.action.clone()).collect(),
        probable_cause: Some(format!("{}. {}", card.title, pick(rng, &card.explanation))),
        solution: Some(pick(rng, &card.repair).clone()),
        fault: Some(card.id.clone()),
        system: Some(card.system),
        hours: Some(rng.random_range(200..18_000).into()),
        ..Case::new(complaint::equipment(machine, rng), complaint::complaint(card, split, rng))
    }
}

/// One of `items`, each equally likely.
fn pick<'a, T>(rng: &mut ChaCha8Rng, items: &'a [T]) -> &'a T {
    &items[rng.random_range(0..items.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::knowledge::Sign;

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
