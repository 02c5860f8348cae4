//! What happens when the machine has a fault that nobody described.

use gearhead_data::{manifest::Manifest, system::System};
use serde::Serialize;

use super::{
    bootstrap::{Bootstrap, Interval, mean},
    labels::Labels,
};
use crate::engine::{Scored, candidates::rank};

/// Cases whose right cause was taken away from the engine, which then ought to hold back, or to be right about the system
/// at least.
///
/// The cause is taken out of the scored list and the others are ranked anew. The model was trained with it and its card is
/// indexed, so that this is kinder than a fault that was never described.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HeldOutFault {
    /// Rows with a label.
    pub n: usize,
    /// Share of the rows where no cause was probable enough to stand as an answer.
    pub abstained: f64,
    /// Share of the rows that were answered with a cause of the right system.
    pub right_system: f64,
    /// Share of the rows that held back or named the right system.
    pub harmless: f64,
    /// The 95 % interval of `harmless`, by a bootstrap over faults.
    pub harmless_interval: Option<Interval>,
}

/// What was answered without the right cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deprived {
    pub(super) abstained: bool,
    pub(super) system_is_right: bool,
}

/// Ranks without the right cause; a case that is declined anyway stays so.
pub(super) fn deprived(
    scored: &[Scored],
    manifest: &Manifest,
    labels: &Labels<'_>,
    label: &str,
    system: Option<System>,
    is_declined: bool,
) -> Deprived {
    let others: Vec<Scored> =
        scored.iter().filter(|scored| labels.of_candidate(scored.index) != label).copied().collect();
    let best = rank(&others, &manifest.ranking).into_iter().next();
    let abstained = is_declined || !best.is_some_and(|best| manifest.thresholds.answers(best.probability));
    let of_best = best.and_then(|best| labels.system(labels.of_candidate(best.index)));
    Deprived { abstained, system_is_right: !is_declined && system.is_some() && of_best == system }
}

pub(super) fn held_out_fault(rows: &[(&str, Deprived)], seed: u64) -> HeldOutFault {
    let share = |is: &dyn Fn(&Deprived) -> bool| -> Vec<f64> {
        rows.iter().map(|(_, it)| f64::from(u8::from(is(it)))).collect()
    };
    let harmless = share(&|it| it.abstained || it.system_is_right);
    HeldOutFault {
        n: rows.len(),
        abstained: mean(&share(&|it| it.abstained)),
        right_system: mean(&share(&|it| !it.abstained && it.system_is_right)),
        harmless: mean(&harmless),
        harmless_interval: Bootstrap::new(rows.iter().map(|(label, _)| *label), seed).interval(&harmless),
    }
}

#[cfg(test)]
mod tests {
    use gearhead_data::{case::Case, knowledge::KnowledgeBase, manifest::Ranking, prompt::Sections};

    use super::*;

    #[test]
    fn the_right_cause_is_gone_and_the_others_share_its_probability() {
        let case = |fault: &str| {
            let card = KnowledgeBase::builtin().card(fault).unwrap();
            let mut case = Case::new("CAT 320", "x");
            case.probable_cause = Some(card.title.clone());
            case.fault = Some(fault.to_owned());
            case.system = Some(card.system);
            case
        };
        let faults = ["battery_or_cable", "starter_failed", "water_in_fuel"];
        let manifest = Manifest::of_cases(&faults.map(case), Sections::CauseSolution);
        let labels = Labels::new(Some(&manifest), KnowledgeBase::builtin());
        let index = |fault: &str| labels.of_candidates().position(|label| label == fault).unwrap();
        let weight = manifest.ranking.cards;
        let scored = |fault: &str, score: f64| {
            let evidence = Ranking { cards: score / weight, ..Ranking::from_array([0.0; Ranking::LEN]) };
            Scored { index: index(fault), evidence }
        };
        let all =
            [scored("battery_or_cable", 9.0), scored("starter_failed", 2.0), scored("water_in_fuel", 0.0)];
        let found = |all: &[Scored], is_declined| {
            let system = Some(System::StartingCharging);
            deprived(all, &manifest, &labels, "battery_or_cable", system, is_declined)
        };
        // The starter is left with e^2 / (e^2 + 1) = 0.88, above the threshold of a half, and of the right system.
        assert_eq!(found(&all, false), Deprived { abstained: false, system_is_right: true });
        assert_eq!(found(&all, true), Deprived { abstained: true, system_is_right: false });
        let unsure = [all[0], scored("starter_failed", 0.0), scored("water_in_fuel", 0.01)];
        assert!(!found(&unsure, false).system_is_right);
        assert!(found(&all[..1], false).abstained);
        let rows = [("a", found(&all, false)), ("b", found(&all, true)), ("c", found(&unsure, false))];
        let summary = held_out_fault(&rows, 0);
        assert_eq!((summary.n, summary.harmless_interval), (3, None));
        assert!(
            (summary.abstained - 1.0 / 3.0).abs() < 1e-12 && (summary.right_system - 1.0 / 3.0).abs() < 1e-12
        );
        assert!((summary.harmless - 2.0 / 3.0).abs() < 1e-12);
    }
}
