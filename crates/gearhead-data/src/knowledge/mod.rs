//! What Gearhead knows about machines and faults: cards written by people, compiled in, and a company's own folder over
//! them.
//!
//! In reading order: [`Card`], [`Machine`] and [`Series`]; [`KnowledgeBase`], which holds them, and
//! [`KnowledgeBase::with_folder`]; [`check`], which finds what is wrong with cards.

mod card;
mod check;
mod danger;
mod folder;
mod machine;
mod maker;
mod series;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use serde::Deserialize;

pub use card::{Against, Card, Evidence, Outcome, Sign, Test, ended};
pub use check::{Finding, Rule, check};
pub use folder::KnowledgeFault;
pub use machine::Machine;
pub(crate) use maker::{makers, with_one_name_per_maker};
pub use series::{Numbers, Series};

use crate::{
    code::{CodeTable, FaultCode},
    system::System,
};

/// The cards and machines, indexed, and the meanings of codes.
#[derive(Debug, Clone)]
pub struct KnowledgeBase {
    cards: Vec<Card>,
    by_id: HashMap<String, usize>,
    machines: Vec<Machine>,
    codes: CodeTable,
    version: String,
    own: BTreeSet<String>,
    disabled: BTreeSet<String>,
}

macro_rules! card_files {
    ($($system:ident => $file:literal),+ $(,)?) => {
        &[$((System::$system, include_str!(concat!("../../knowledge/cards/", $file, ".toml")))),+]
    };
}

const CARD_FILES: &[(System, &str)] = card_files! {
    Fuel => "fuel",
    AirExhaust => "air_exhaust",
    Aftertreatment => "aftertreatment",
    Engine => "engine",
    Cooling => "cooling",
    StartingCharging => "starting_charging",
    Electrical => "electrical",
    Hydraulics => "hydraulics",
    Swing => "swing",
    Travel => "travel",
    Undercarriage => "undercarriage",
    BrakesSteering => "brakes_steering",
    Cab => "cab",
    Hvac => "hvac",
    Lubrication => "lubrication",
    Structure => "structure",
    Safety => "safety",
};

impl KnowledgeBase {
    /// The knowledge that is compiled in.
    ///
    /// # Panics
    ///
    /// Never in a build whose tests pass: they parse the same text.
    pub fn builtin() -> &'static Self {
        Self::builtin_arc()
    }

    /// The knowledge that is compiled in, for someone who keeps it.
    ///
    /// # Panics
    ///
    /// As [`builtin`](Self::builtin).
    pub fn shared() -> Arc<Self> {
        Arc::clone(Self::builtin_arc())
    }

    fn builtin_arc() -> &'static Arc<Self> {
        static BUILTIN: OnceLock<Arc<KnowledgeBase>> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            #[derive(Deserialize)]
            struct CardFile {
                cards: Vec<Card>,
            }
            #[derive(Deserialize)]
            struct MachineFile {
                machines: Vec<Machine>,
            }
            let mut cards = Vec::new();
            for (system, text) in CARD_FILES {
                let file: CardFile = toml::from_str(text).expect("the compiled-in cards parse: tested");
                cards.extend(file.cards.into_iter().map(|card| Card { system: *system, ..card }));
            }
            let machines: MachineFile = toml::from_str(include_str!("../../knowledge/machines.toml"))
                .expect("the compiled-in machines parse: tested");
            Arc::new(Self::new(cards, machines.machines))
        })
    }

    fn new(cards: Vec<Card>, machines: Vec<Machine>) -> Self {
        let mut knowledge = Self {
            cards,
            by_id: HashMap::new(),
            machines,
            codes: CodeTable::builtin().clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            own: BTreeSet::new(),
            disabled: BTreeSet::new(),
        };
        knowledge.index();
        knowledge
    }

    fn index(&mut self) {
        self.by_id = self.cards.iter().enumerate().map(|(index, card)| (card.id.clone(), index)).collect();
    }

    /// The version of the knowledge: that of the crate that carries it, and the folders laid over it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What codes mean.
    pub fn codes(&self) -> &CodeTable {
        &self.codes
    }

    /// Whether a folder added or replaced the card with this id.
    pub fn is_own(&self, id: &str) -> bool {
        self.own.contains(id)
    }

    /// Whether a folder removed the card with this id.
    pub fn is_disabled(&self, id: &str) -> bool {
        self.disabled.contains(id)
    }

    /// Every card, in a fixed order.
    pub fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// The card with this id.
    pub fn card(&self, id: &str) -> Option<&Card> {
        self.by_id.get(id).map(|&index| &self.cards[index])
    }

    /// Every kind of machine.
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// The kind of machine that a free description means, or `None` where no known name, series or word stands in it.
    pub fn machine(&self, equipment: &str) -> Option<&Machine> {
        machine::recognise(&self.machines, equipment)
    }

    /// The cards whose fault the described machine can have. A machine that is not recognised can have any.
    pub fn cards_for(&self, equipment: &str) -> Vec<&Card> {
        let machine = self.machine(equipment);
        self.cards.iter().filter(|card| machine.is_none_or(|machine| machine.can_have(card))).collect()
    }

    /// The cards that list this code, or, for a code of theirs without an FMI, its SPN.
    pub fn cards_with_code(&self, code: &FaultCode) -> Vec<&Card> {
        self.cards.iter().filter(|card| card.lists(code)).collect()
    }
}

#[cfg(test)]
mod tests;
