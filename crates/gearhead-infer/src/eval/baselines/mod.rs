//! Answers that are simpler than the engine's, and the engine's with something left out.

mod naive_bayes;
mod trained;

use std::cmp::Reverse;

use gearhead_data::{case::Case, knowledge::Card, manifest::Ranking};

use super::{labels::Labels, measures::Placed};
use crate::{
    engine::{Diagnose, Scored, candidates::rank},
    error::Result,
};

pub(super) use trained::Trained;

/// A simpler way to rank faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Baseline {
    /// The faults in the order of their frequency in the model's training, whatever the case says.
    Majority,
    /// The faults whose cards list the most of the case's codes, common ones first; none without a code.
    CodeLookup,
    /// The most frequent faults of the machine in the training cases.
    EquipmentOnly,
    /// The faults of the training cases that are most like the case, by BM25.
    NearestCase,
    /// Multinomial naive Bayes over the words of the training cases.
    NaiveBayes,
    /// Multinomial logistic regression over the weighted words of the training cases.
    TfidfLogistic,
    /// The likeness to the cards, and the codes: rules alone.
    CardsAlone,
    /// The language model alone.
    ModelAlone,
    /// The engine without its language model.
    WithoutModel,
    /// The engine without its linear model of single words.
    WithoutLinear,
    /// The engine without likeness to cards and to past cases.
    WithoutRetrieval,
    /// The engine, given no codes.
    WithoutCodes,
    /// The engine, given nothing but the machine and the codes.
    WithoutSymptom,
}

impl Baseline {
    /// Those that need nothing but the model and the knowledge.
    pub const UNTRAINED: [Self; 4] = [Self::Majority, Self::CodeLookup, Self::CardsAlone, Self::ModelAlone];
    /// Those that learn from training cases.
    pub const TRAINED: [Self; 4] =
        [Self::EquipmentOnly, Self::NearestCase, Self::NaiveBayes, Self::TfidfLogistic];
    /// The engine with some of its evidence left out, which costs nothing to measure.
    pub const REWEIGHTED: [Self; 3] = [Self::WithoutModel, Self::WithoutLinear, Self::WithoutRetrieval];
    /// The engine with some of the case left out, which takes as long as another diagnosis each.
    pub const REASKED: [Self; 2] = [Self::WithoutCodes, Self::WithoutSymptom];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Majority => "majority",
            Self::CodeLookup => "code_lookup",
            Self::EquipmentOnly => "equipment_only",
            Self::NearestCase => "bm25_nearest_case",
            Self::NaiveBayes => "naive_bayes",
            Self::TfidfLogistic => "tfidf_logistic",
            Self::CardsAlone => "cards_alone",
            Self::ModelAlone => "model_alone",
            Self::WithoutModel => "without_model",
            Self::WithoutLinear => "without_linear",
            Self::WithoutRetrieval => "without_retrieval",
            Self::WithoutCodes => "without_codes",
            Self::WithoutSymptom => "without_symptom",
        }
    }

    /// Whether it is the engine itself with something left out.
    pub const fn is_ablation(self) -> bool {
        matches!(
            self,
            Self::WithoutModel
                | Self::WithoutLinear
                | Self::WithoutRetrieval
                | Self::WithoutCodes
                | Self::WithoutSymptom
        )
    }
}

/// The simpler ways of one evaluation, ready to rank.
pub(super) struct Panel<'a> {
    engine: &'a dyn Diagnose,
    labels: &'a Labels<'a>,
    trained: Option<&'a Trained<'a>>,
    /// Which they are, in the order of what [`places`](Self::places) returns.
    pub(super) baselines: Vec<Baseline>,
}

impl<'a> Panel<'a> {
    pub(super) fn new(
        engine: &'a dyn Diagnose,
        labels: &'a Labels<'a>,
        trained: Option<&'a Trained<'a>>,
        with_reasked: bool,
    ) -> Self {
        let mut baselines = Baseline::UNTRAINED.to_vec();
        baselines.extend(Baseline::TRAINED.iter().filter(|_| trained.is_some()));
        baselines.extend(Baseline::REWEIGHTED);
        baselines.extend(Baseline::REASKED.iter().filter(|_| with_reasked));
        Self { engine, labels, trained, baselines }
    }

    /// Where each simpler way puts the right fault of a case.
    pub(super) fn places(&self, case: &Case, label: &str, scored: &[Scored]) -> Result<Vec<Placed>> {
        let system = self.labels.system_of(case, label);
        let place = |baseline: &Baseline| {
            let ranking = self.rank(*baseline, case, scored)?;
            let of_first = ranking.first().and_then(|first| self.labels.system(first));
            Ok(Placed::of(label, ranking, system.is_some() && of_first == system))
        };
        self.baselines.iter().map(place).collect()
    }

    /// Labels, the best first.
    fn rank<'b>(&'b self, baseline: Baseline, case: &Case, scored: &[Scored]) -> Result<Vec<&'b str>> {
        let nothing = Ranking::from_array([0.0; Ranking::LEN]);
        Ok(match baseline {
            Baseline::Majority => self.labels.of_candidates().collect(),
            Baseline::CodeLookup => self.by_codes(case),
            Baseline::EquipmentOnly
            | Baseline::NearestCase
            | Baseline::NaiveBayes
            | Baseline::TfidfLogistic => {
                self.trained.map_or(Vec::new(), |trained| trained.rank(baseline, case))
            }
            Baseline::CardsAlone => {
                self.by_evidence(scored, |it| Ranking { cards: it.cards, codes: it.codes, ..nothing })
            }
            Baseline::ModelAlone => self.by_evidence(scored, |it| Ranking { model: it.model, ..nothing }),
            Baseline::WithoutModel => self.by_evidence(scored, |it| Ranking { model: 0.0, ..it }),
            Baseline::WithoutLinear => self.by_evidence(scored, |it| Ranking { linear: 0.0, ..it }),
            Baseline::WithoutRetrieval => {
                self.by_evidence(scored, |it| Ranking { cards: 0.0, cases: 0.0, ..it })
            }
            Baseline::WithoutCodes => {
                let mut case = case.clone();
                case.error_codes.clear();
                self.by_evidence(&self.engine.score_causes(&case)?, |it| it)
            }
            Baseline::WithoutSymptom => {
                let mut case = case.clone();
                "see codes".clone_into(&mut case.symptom);
                self.by_evidence(&self.engine.score_causes(&case)?, |it| it)
            }
        })
    }

    fn by_codes(&self, case: &Case) -> Vec<&str> {
        let codes = case.codes();
        let listed = |card: &Card| codes.iter().filter(|code| card.lists(code)).count();
        let cards = self.engine.knowledge().cards();
        let mut listing: Vec<_> =
            cards.iter().map(|card| (listed(card), card)).filter(|(n, _)| *n > 0).collect();
        listing.sort_by_key(|(n, card)| (Reverse(*n), Reverse(card.occurrence), card.id.clone()));
        listing.into_iter().map(|(_, card)| card.id.as_str()).collect()
    }

    fn by_evidence(&self, scored: &[Scored], change: impl FnOnce(Ranking) -> Ranking) -> Vec<&str> {
        let Some(manifest) = self.engine.manifest() else { return Vec::new() };
        let ranked = rank(scored, &change(manifest.ranking));
        ranked.iter().map(|ranked| self.labels.of_candidate(ranked.index)).collect()
    }
}
