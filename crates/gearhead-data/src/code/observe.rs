//! What several codes mean together.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Code, Decoded, FaultClass, FaultCode, J1587Kind};

/// From this many parameters on, circuit faults at one time are more likely one fault than several.
const MANY_CIRCUITS: usize = 3;
/// From this many senders on, missing messages at one time are more likely one fault than several.
const MANY_MESSAGES: usize = 2;
/// A low supply is to be mended first where at least this many other codes stand beside it.
const MANY_OTHERS: usize = 2;

/// Supply of controllers: battery, key switch, charging system, controller power.
const POWER_SPNS: [u32; 5] = [158, 167, 168, 444, 627];
/// Supplies that controllers make for their sensors.
const SENSOR_SUPPLY_SPNS: [u32; 11] = [620, 678, 1043, 1079, 1080, 3509, 3510, 3511, 3512, 3513, 3514];
const SENSOR_SUPPLY_OBD: [&str; 9] =
    ["P0641", "P0642", "P0643", "P0651", "P0652", "P0653", "P0697", "P0698", "P0699"];
const LOW_VOLTAGE_EVENTS: [u16; 4] = [41, 42, 43, 875];
const J1939_NETWORK_SPN: u32 = 639;

/// What a set of codes shows that no single one says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Observation {
    /// Which rule found it.
    pub pattern: Pattern,
    /// The codes that show it, in canonical spelling.
    pub codes: Vec<String>,
    /// What it means and what to do first.
    pub finding: &'static str,
}

/// A rule over a set of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pattern {
    /// The supply voltage is low, and other codes stand beside it.
    LowVoltage,
    /// Sensors of several parameters report a wrong voltage at one time.
    SensorSupply,
    /// Messages of several senders are missing or wrong.
    Network,
    /// One parameter has a circuit fault and a value that is out of range.
    CircuitAndCondition,
}

impl Pattern {
    const fn finding(self) -> &'static str {
        match self {
            Self::LowVoltage => {
                "The supply voltage is low: mend battery, charging and main connections first, then clear the codes and see \
                 which of the others come back."
            }
            Self::SensorSupply => {
                "Wrong voltages on several sensors at one time point at what they share, a sensor supply or a ground: \
                 measure the supply, and unplug its sensors one by one until it recovers, before any sensor is replaced."
            }
            Self::Network => {
                "Missing or wrong messages from several senders point at the CAN bus or at one dead controller: check which \
                 controller answers nobody, its power and ground, then the wiring and the terminating resistors."
            }
            Self::CircuitAndCondition => {
                "The same parameter has a circuit fault and a value out of range: the value cannot be trusted until the \
                 circuit is mended; confirm it with a gauge."
            }
        }
    }
}

/// One code as the rules look at it.
struct Seen<'a> {
    decoded: &'a Decoded,
    code: Code,
    /// The code without its failure mode, so that several failure modes of a parameter count once.
    parameter: Code,
}

/// What the codes mean together, the most urgent first; nothing where no rule applies. The rules count parameters, not
/// codes, and say only what to look at first.
///
/// ```
/// # use gearhead_data::code::{CodeTable, Pattern, observations, parse_list};
/// let codes = parse_list("SPN 100 FMI 4, SPN 102 FMI 4, SPN 110 FMI 3");
/// let decoded: Vec<_> = codes.iter().map(|code| CodeTable::builtin().decode(code)).collect();
/// assert_eq!(observations(&decoded)[0].pattern, Pattern::SensorSupply);
/// ```
pub fn observations(codes: &[Decoded]) -> Vec<Observation> {
    let seen: Vec<Seen<'_>> = codes.iter().map(Seen::new).collect();
    [Pattern::LowVoltage, Pattern::SensorSupply, Pattern::Network, Pattern::CircuitAndCondition]
        .into_iter()
        .filter_map(|pattern| {
            let shown = match pattern {
                Pattern::LowVoltage => low_voltage(&seen),
                Pattern::SensorSupply => sensor_supply(&seen),
                Pattern::Network => network(&seen),
                Pattern::CircuitAndCondition => circuit_and_condition(&seen),
            };
            let mut codes: Vec<String> = Vec::new();
            for seen in shown {
                if !codes.contains(&seen.decoded.code) {
                    codes.push(seen.decoded.code.clone());
                }
            }
            (!codes.is_empty()).then(|| Observation { pattern, codes, finding: pattern.finding() })
        })
        .collect()
}

fn low_voltage<'a>(seen: &'a [Seen<'a>]) -> Vec<&'a Seen<'a>> {
    let low: Vec<_> = seen.iter().filter(|seen| seen.is_low_voltage()).collect();
    let others = seen.iter().filter(|seen| !seen.is_low_voltage());
    if parameters(others) < MANY_OTHERS { Vec::new() } else { low }
}

fn sensor_supply<'a>(seen: &'a [Seen<'a>]) -> Vec<&'a Seen<'a>> {
    let (supplies, sensors): (Vec<_>, Vec<_>) =
        seen.iter().filter(|seen| !seen.is_power()).partition(|seen| seen.is_sensor_supply());
    let sensors: Vec<_> = sensors.into_iter().filter(|seen| seen.is_wrong_voltage()).collect();
    let needed = if supplies.is_empty() { MANY_CIRCUITS } else { 1 };
    if parameters(sensors.iter().copied()) < needed {
        return Vec::new();
    }
    supplies.into_iter().chain(sensors).collect()
}

fn network<'a>(seen: &'a [Seen<'a>]) -> Vec<&'a Seen<'a>> {
    let of_bus: Vec<_> = seen.iter().filter(|seen| seen.is_network()).collect();
    let bus_itself = of_bus.iter().any(|seen| seen.spn() == Some(J1939_NETWORK_SPN));
    let is_shown =
        parameters(of_bus.iter().copied()) >= MANY_MESSAGES || (bus_itself && parameters(seen) > 1);
    if is_shown { of_bus } else { Vec::new() }
}

fn circuit_and_condition<'a>(seen: &'a [Seen<'a>]) -> Vec<&'a Seen<'a>> {
    let has = |parameter: &Code, fmis: &[u8]| {
        seen.iter().any(|other| other.parameter == *parameter && other.has_fmi(fmis))
    };
    let is_of_both = |seen: &&Seen<'_>| {
        seen.has_fmi(&[0, 1, 3, 4, 5, 6, 15, 16, 17, 18])
            && has(&seen.parameter, &[3, 4, 5, 6])
            && has(&seen.parameter, &[0, 1, 15, 16, 17, 18])
    };
    seen.iter().filter(is_of_both).collect()
}

/// How many parameters the codes are about.
fn parameters<'a>(seen: impl IntoIterator<Item = &'a Seen<'a>>) -> usize {
    seen.into_iter().map(|seen| &seen.parameter).collect::<BTreeSet<_>>().len()
}

impl<'a> Seen<'a> {
    fn new(decoded: &'a Decoded) -> Self {
        let code = FaultCode::parse(&decoded.code).code;
        let parameter = match &code {
            Code::J1939 { spn, .. } => Code::J1939 { spn: *spn, fmi: None },
            Code::J1587 { kind, number, .. } => {
                Code::J1587 { mid: None, kind: *kind, number: *number, fmi: None }
            }
            Code::Cid { cid, .. } => Code::Cid { mid: None, cid: *cid, fmi: None },
            Code::ObdFailure { code, .. } => Code::Obd(code.clone()),
            other => other.clone(),
        };
        Self { decoded, code, parameter }
    }

    /// The SPN, also that of a J1587 or Caterpillar parameter of the same number and meaning.
    fn spn(&self) -> Option<u32> {
        match self.code {
            Code::J1939 { spn, .. } => Some(spn),
            Code::J1587 { kind: J1587Kind::Pid, number, .. } => Some(number.into()),
            Code::Cid { cid: 168, .. } => Some(168),
            _ => None,
        }
    }

    fn has_fmi(&self, fmis: &[u8]) -> bool {
        self.code.fmi().is_some_and(|fmi| fmis.contains(&fmi))
    }

    fn is_power(&self) -> bool {
        self.spn().is_some_and(|spn| POWER_SPNS.contains(&spn))
    }

    fn is_low_voltage(&self) -> bool {
        match &self.code {
            Code::Eid { eid, .. } => LOW_VOLTAGE_EVENTS.contains(eid),
            code if code.obd().is_some() => code.obd() == Some("P0562"),
            _ => self.is_power() && self.has_fmi(&[1, 4, 17, 18]),
        }
    }

    fn is_sensor_supply(&self) -> bool {
        self.spn().is_some_and(|spn| SENSOR_SUPPLY_SPNS.contains(&spn))
            || self.code.obd().is_some_and(|code| SENSOR_SUPPLY_OBD.contains(&code))
    }

    /// Whether a signal is too high or too low as a voltage. OBD-II codes say it in their failure type or their meaning.
    fn is_wrong_voltage(&self) -> bool {
        match &self.code {
            Code::ObdFailure { failure_type, .. } => matches!(failure_type, 0x11 | 0x12 | 0x14..=0x17 | 0x1C),
            Code::Obd(_) => {
                let meaning = self.decoded.meaning.as_deref().unwrap_or_default();
                self.decoded.circuit_or_condition == Some(FaultClass::Circuit)
                    && meaning.split_whitespace().any(|word| matches!(word, "low" | "high"))
            }
            _ => self.has_fmi(&[3, 4]),
        }
    }

    fn is_network(&self) -> bool {
        self.spn() == Some(J1939_NETWORK_SPN)
            || self.has_fmi(&[9, 19])
            || self.decoded.circuit_or_condition == Some(FaultClass::Network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{CodeTable, parse_list};

    fn observed(text: &str) -> Vec<(Pattern, Vec<String>)> {
        let decoded: Vec<Decoded> =
            parse_list(text).iter().map(|code| CodeTable::builtin().decode(code)).collect();
        observations(&decoded).into_iter().map(|found| (found.pattern, found.codes)).collect()
    }

    fn patterns(text: &str) -> Vec<Pattern> {
        observed(text).into_iter().map(|(pattern, _)| pattern).collect()
    }

    #[test]
    fn wrong_voltages_of_several_sensors_point_at_their_supply() {
        let three = observed("SPN 100 FMI 4, SPN 102 FMI 4, SPN 110 FMI 3, SPN 94 FMI 18");
        let codes = ["SPN 100 FMI 4", "SPN 102 FMI 4", "SPN 110 FMI 3"].map(str::to_owned).to_vec();
        assert_eq!(three, [(Pattern::SensorSupply, codes)]);
        for text in
            ["P0107, P0192, P0237", "P0107-16, P0192-11, P0237-16", "P0642, P0107", "SPN 3509 FMI 4, 100-4"]
        {
            assert_eq!(patterns(text), [Pattern::SensorSupply], "{text}");
        }
        // Two failure modes of one sensor are one sensor, and two sensors are not many.
        for text in ["100-3, 100-4, 102-4", "SPN 3509 FMI 4", "100-5, 102-5, 110-5", "P0087, P0191, P0299"] {
            assert_eq!(patterns(text), [], "{text}");
        }
    }

    #[test]
    fn missing_messages_of_several_senders_point_at_the_bus() {
        for text in ["SPN 84 FMI 9, SPN 191 FMI 19", "U0100, U0101", "SPN 639 FMI 14, SPN 100 FMI 1"] {
            assert_eq!(patterns(text), [Pattern::Network], "{text}");
        }
        for text in ["SPN 84 FMI 9", "SPN 639 FMI 14", "SPN 84 FMI 9, SPN 84 FMI 19", "U0100, P0087"] {
            assert_eq!(patterns(text), [], "{text}");
        }
    }

    #[test]
    fn a_low_supply_is_mended_before_the_rest() {
        for text in [
            "SPN 168 FMI 18, 84-2, 91-8",
            "P0562, P0087, P0299",
            "E43(1), E360(1), E15(1)",
            "CID 168 FMI 4, CID 91 FMI 8, CID 110 FMI 2",
        ] {
            assert_eq!(patterns(text), [Pattern::LowVoltage], "{text}");
        }
        let with_bus = patterns("SPN 168 FMI 1, SPN 84 FMI 9, SPN 191 FMI 9");
        assert_eq!(with_bus, [Pattern::LowVoltage, Pattern::Network]);
        // One other code is not many, and a high voltage is another matter.
        for text in ["SPN 168 FMI 18, 84-2", "SPN 168 FMI 0, 84-2, 91-8", "SPN 168 FMI 1"] {
            assert_eq!(patterns(text), [], "{text}");
        }
    }

    #[test]
    fn a_value_is_not_trusted_over_a_faulty_circuit() {
        let both = observed("100-1, 100-4, 110-0");
        let codes = ["SPN 100 FMI 1", "SPN 100 FMI 4"].map(str::to_owned).to_vec();
        assert_eq!(both, [(Pattern::CircuitAndCondition, codes)]);
        assert_eq!(patterns("100-1, 110-4"), []);
        assert_eq!(patterns("100-1, 100-17"), []);
        assert_eq!(patterns(""), []);
    }
}
