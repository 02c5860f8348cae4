//! Which dangers a card involves, and whether its safety steps speak of them.

use std::collections::HashSet;

use super::Card;
use crate::severity::Severity;

/// A danger, the words that show that a test or a repair involves it, and those with which a safety step speaks of it.
/// Words are whole words, with their hyphens: `bar` is not found in `barely`, nor `pressure` in `back-pressure`.
struct Danger {
    name: &'static str,
    shown_by: &'static str,
    spoken_of_by: &'static str,
}

const DANGERS: [Danger; 6] = [
    Danger {
        name: "fluid or gas under pressure",
        shown_by: "pressure pressures pressurise pressurised pressurize pressurized accumulator accumulators \
            kpa mpa bar psi hydraulic high-pressure",
        spoken_of_by: "pressure pressures pressurised pressurized depressurise depressurize depressurised bleed \
            relieve relieved release inject injection jet jets spray sprays residual accumulator \
            accumulators oil fluid burst grease air refrigerant lower vent high-pressure penetrates \
            pressure-free inflate deflate explode gas",
    },
    Danger {
        name: "heat",
        shown_by: "hot heat heated heater exhaust turbo turbocharger coolant radiator boil boiling regeneration",
        spoken_of_by: "hot heat cool cooled cools burn burns scald scalds fire flame flames temperature warm \
            exhaust steam",
    },
    Danger {
        name: "a raised load or machine",
        shown_by: "raise raised raising lifted lifting jack jacked boom hoist crane suspended prop",
        spoken_of_by: "raised lower lowered ground support supported supports prop props stands block blocked \
            blocks chock chocked crush fall falls drop drops under beneath lifting rated sling suspended \
            boom bucket weight",
    },
    Danger {
        name: "stored energy",
        shown_by: "spring springs accumulator accumulators recoil tension tensioned tensioner capacitor",
        spoken_of_by: "spring springs stored energy tension release relieve relieved pressure clear discharge \
            recoil compressed force wait belt spring-loaded",
    },
    Danger {
        name: "rotating parts",
        shown_by: "fan fans belt belts pulley pulleys shaft driveshaft flywheel rotating",
        spoken_of_by: "rotating moving spinning turning turn turns clear loose clothing hands fan belt shaft stop \
            stopped running lock tag isolate",
    },
    Danger {
        name: "chemicals or fuel",
        shown_by: "refrigerant acid electrolyte battery batteries ether def adblue urea antifreeze coolant \
            solvent fuel diesel petrol",
        spoken_of_by: "glove gloves eye eyes goggles skin acid fumes ventilate ventilated fire spark sparks flame \
            flames ignition gas gases refrigerant licensed drain spill spilled catch protection \
            disconnect isolate short fuel rinse poisonous toxic burn burns explosive smoke smoking cool \
            hot scald scalds",
    },
];

/// The dangers that the card's tests or repairs involve and none of its safety steps speaks of. A fault for which the
/// machine is stopped is itself dangerous.
pub(super) fn uncovered(card: &Card) -> Vec<&'static str> {
    let done = words(card.tests.iter().map(|test| &test.action).chain(&card.repair));
    let steps = words(&card.hazards);
    let speaks = |words: &HashSet<String>, of: &str| of.split(' ').any(|word| words.contains(word));
    let mut uncovered: Vec<&str> = DANGERS
        .iter()
        .filter(|danger| speaks(&done, danger.shown_by) && !speaks(&steps, danger.spoken_of_by))
        .map(|danger| danger.name)
        .collect();
    if card.severity == Severity::Stop && card.hazards.is_empty() && uncovered.is_empty() {
        uncovered.push("a fault for which the machine is stopped at once");
    }
    uncovered
}

fn words<'a>(texts: impl IntoIterator<Item = &'a String>) -> HashSet<String> {
    let texts = texts.into_iter();
    texts
        .flat_map(|text| text.split(|c: char| !(c.is_alphanumeric() || c == '-')))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::KnowledgeBase;

    fn uncovered_with(hazards: &[&str], repair: &str) -> Vec<&'static str> {
        let mut card = KnowledgeBase::builtin().card("seat_belt_or_switch").unwrap().clone();
        card.severity = Severity::Plan;
        card.tests.clear();
        card.repair = vec![repair.to_owned()];
        card.hazards = hazards.iter().map(|&text| text.to_owned()).collect();
        uncovered(&card)
    }

    #[test]
    fn each_danger_needs_a_safety_step_of_its_own() {
        for (repair, danger, step) in [
            (
                "Set the relief to 250 bar.",
                "fluid or gas under pressure",
                "Bleed the circuit before you open it",
            ),
            ("Refit the turbocharger.", "heat", "Let it cool"),
            ("Work with the boom up.", "a raised load or machine", "Use the props"),
            ("Renew the recoil assembly.", "stored energy", "Keep clear of it"),
            ("Renew the fan.", "rotating parts", "Wear no loose clothing"),
            ("Top up the electrolyte.", "chemicals or fuel", "Wear goggles"),
        ] {
            assert_eq!(uncovered_with(&[], repair), [danger], "{repair}");
            assert_eq!(uncovered_with(&["Mind the step"], repair), [danger], "{repair}");
            assert!(uncovered_with(&[step], repair).is_empty(), "{repair}");
        }
    }

    #[test]
    fn whole_words_count_and_tests_as_well_as_repairs() {
        assert!(
            uncovered_with(
                &[],
                "The bolts are barely tight: fancy boomerang springtime, lift pump, back-pressure."
            )
            .is_empty()
        );
        let mut card = KnowledgeBase::builtin().card("seat_belt_or_switch").unwrap().clone();
        card.hazards.clear();
        card.repair.clear();
        card.tests[0].action = "Measure the Pressure".into();
        assert_eq!(uncovered(&card)[0], "fluid or gas under pressure");
        card.tests.clear();
        card.severity = Severity::Stop;
        assert_eq!(uncovered(&card), ["a fault for which the machine is stopped at once"]);
    }
}
