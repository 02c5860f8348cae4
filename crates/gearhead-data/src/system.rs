//! The systems of a machine to which a fault can belong.

use serde::{Deserialize, Serialize};

/// A system of a machine. Every fault card and every ranked cause carries one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum System {
    /// Tank to injector.
    Fuel,
    /// Intake, turbocharger, exhaust, exhaust-gas recirculation.
    AirExhaust,
    /// Particulate filter, oxidation catalyst, diesel exhaust fluid, selective catalytic reduction.
    Aftertreatment,
    /// Engine mechanics and engine oil.
    Engine,
    /// Coolant, radiator, fan.
    Cooling,
    /// Battery, starter, alternator, cold-start aids.
    StartingCharging,
    /// Wiring, sensors, controllers, CAN.
    Electrical,
    /// Pumps, valves, cylinders and hoses of the work hydraulics.
    Hydraulics,
    /// Slewing of the upper structure.
    Swing,
    /// Transmission, converter, axles, final drives, travel motors.
    Travel,
    /// Tracks, rollers, idlers, tyres and rims.
    Undercarriage,
    /// Brakes and steering.
    BrakesSteering,
    /// Seat, doors, glass, wipers.
    Cab,
    /// Heating, ventilation, air conditioning.
    Hvac,
    /// Automatic grease systems.
    Lubrication,
    /// Attachments, teeth, pins, frames, guards.
    Structure,
    /// Interlocks, fire suppression, alarms.
    Safety,
}

impl System {
    /// Every system, in the order of the documentation.
    pub const ALL: [Self; 17] = [
        Self::Fuel,
        Self::AirExhaust,
        Self::Aftertreatment,
        Self::Engine,
        Self::Cooling,
        Self::StartingCharging,
        Self::Electrical,
        Self::Hydraulics,
        Self::Swing,
        Self::Travel,
        Self::Undercarriage,
        Self::BrakesSteering,
        Self::Cab,
        Self::Hvac,
        Self::Lubrication,
        Self::Structure,
        Self::Safety,
    ];

    /// The word that stands in files and reports, such as `air_exhaust`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::AirExhaust => "air_exhaust",
            Self::Aftertreatment => "aftertreatment",
            Self::Engine => "engine",
            Self::Cooling => "cooling",
            Self::StartingCharging => "starting_charging",
            Self::Electrical => "electrical",
            Self::Hydraulics => "hydraulics",
            Self::Swing => "swing",
            Self::Travel => "travel",
            Self::Undercarriage => "undercarriage",
            Self::BrakesSteering => "brakes_steering",
            Self::Cab => "cab",
            Self::Hvac => "hvac",
            Self::Lubrication => "lubrication",
            Self::Structure => "structure",
            Self::Safety => "safety",
        }
    }

    /// The system that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.as_str() == word)
    }
}

impl std::fmt::Display for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
