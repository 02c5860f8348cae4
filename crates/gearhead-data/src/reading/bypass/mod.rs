//! Requests to defeat a safety device.
//!
//! A text is first cleared of what is no request: what others did, what is refused, and the bypasses,
//! overrides and jumps that machines have by design ([`HONEST`]). What is left asks for a defeat if it
//! holds a whole phrase of [`KNOWN`], such as "so it thinks I'm seated", or a device of [`KNOWN`] together
//! with one of [`WAYS`]. The patterns are classes of verbs, devices and questions; a request in none of them
//! is missed.

mod cards;
mod devices;
mod ways;

use std::{ops::Range, sync::LazyLock};

use regex::{Regex, RegexSet};
use serde::Serialize;

use cards::CARDS;
use devices::{KNOWN, PARTS, VAGUE};
use ways::{HONEST, Object, PRONOUN, SHORT_FOR, VERBS, WAYS, Way};

/// A device or rule that protects people or the machine, and that a text asks to defeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SafetyDevice {
    /// Seat switch, seat bar, dead man's pedal.
    OperatorPresence,
    /// Seat belt and its monitor.
    SeatBelt,
    /// Neutral or clutch switch of the starter circuit.
    StartInterlock,
    /// Interlock or alarm of the parking brake.
    ParkBrakeInterlock,
    /// Lever or armrest that shuts off the controls.
    ControlLockout,
    /// Switch of a cab door, basket gate or access ladder.
    DoorOrGate,
    /// Emergency stop, pull cord, kill switch.
    EmergencyStop,
    /// Fire detection and suppression.
    FireSuppression,
    /// Load moment indicator, overload and tilt cut-out.
    LoadLimiter,
    /// Anti two-block and hoist limit switch.
    AntiTwoBlock,
    /// Lock of a quick coupler.
    QuickCoupler,
    /// Load-holding, counterbalance and hose burst valves.
    LoadHolding,
    /// Alarm, beacon, horn, rear camera.
    WarningDevice,
    /// Proximity detection and collision avoidance.
    ProximityDetection,
    /// Structure that protects the operator in a roll-over or from falling objects.
    Rops,
    /// Guard over moving parts.
    Guard,
    /// Shutdown or derate that protects the engine.
    EngineProtection,
    /// Relief or safety valve.
    PressureRelief,
    /// Tyre and rim under pressure.
    TyreAndRim,
    /// Isolation, lock and tag.
    Isolation,
    /// Limit of the travel speed.
    SpeedLimiter,
    /// Prop of a raised part, lock of an articulation joint.
    RaisedPart,
    /// A protective device that the text does not tell apart.
    Other,
}

impl SafetyDevice {
    /// What it is called in a sentence.
    pub const fn name(self) -> &'static str {
        CARDS[self as usize].name
    }

    /// What it protects from, in one sentence.
    pub const fn protects(self) -> &'static str {
        CARDS[self as usize].protects
    }

    /// What to do instead of defeating it.
    pub const fn safe_procedure(self) -> &'static str {
        CARDS[self as usize].safe_procedure
    }
}

/// The device that a text asks to defeat.
pub(super) fn asked_for(text: &str) -> Option<SafetyDevice> {
    let said = PATTERNS.without_honest_phrases(&plain(text));
    PATTERNS.whole_phrase(&said).or_else(|| PATTERNS.device_with_verb(&said))
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(Patterns::new);

/// The patterns of this module, compiled.
struct Patterns {
    honest: Regex,
    phrases: RegexSet,
    known: Vec<(SafetyDevice, Regex)>,
    vague: Vec<(SafetyDevice, Regex)>,
    parts: Vec<(SafetyDevice, Regex)>,
    ways: Vec<CompiledWay>,
    pronoun: Regex,
}

struct CompiledWay {
    way: &'static Way,
    verbs: Regex,
    besides: Option<Regex>,
    unless: Option<Regex>,
}

/// Where a device is named.
struct Named {
    device: SafetyDevice,
    at: Range<usize>,
}

impl Patterns {
    fn new() -> Self {
        let some = |lists: &[&[&str]]| (!lists.is_empty()).then(|| regex(&lists.concat()));
        Self {
            honest: regex(HONEST),
            phrases: RegexSet::new(KNOWN.iter().map(|known| written_out(known.phrases)))
                .expect("the patterns are part of the program and tested"),
            known: KNOWN.iter().map(|known| (known.device, regex(known.names))).collect(),
            vague: VAGUE.iter().map(|(device, names)| (*device, regex(names))).collect(),
            parts: PARTS.iter().map(|(device, names)| (*device, regex(names))).collect(),
            ways: WAYS
                .iter()
                .map(|way| CompiledWay {
                    way,
                    verbs: regex(way.verbs),
                    besides: some(way.besides),
                    unless: some(way.unless),
                })
                .collect(),
            pronoun: regex(&[PRONOUN]),
        }
    }

    /// Strikes out what others did, what is refused and what machines have by design.
    fn without_honest_phrases(&self, said: &str) -> String {
        self.honest.replace_all(said, "honest").into_owned()
    }

    /// The device of a phrase that needs no verb beside it.
    fn whole_phrase(&self, said: &str) -> Option<SafetyDevice> {
        self.phrases.matches(said).into_iter().next().map(|at| KNOWN[at].device)
    }

    /// The device that a verb of [`WAYS`] is about.
    fn device_with_verb(&self, said: &str) -> Option<SafetyDevice> {
        let mut named = names(&self.known, said);
        if named.is_empty() {
            named = names(&self.vague, said);
        }
        let only_parts = named.is_empty();
        if only_parts {
            named = names(&self.parts, said);
        }
        self.ways.iter().find_map(|it| {
            let fits = |pattern: &Option<Regex>| pattern.as_ref().map(|pattern| pattern.is_match(said));
            let anywhere = it.way.object == Object::Anywhere;
            if (only_parts && !anywhere) || fits(&it.besides) == Some(false) || fits(&it.unless) == Some(true)
            {
                return None;
            }
            it.verbs
                .find_iter(said)
                .map(|verb| verb.range())
                .filter(|verb| anywhere || !is_part_of_a_name(said, verb, &named))
                .find_map(|verb| self.object(it.way, said, &verb, &named))
        })
    }

    /// Which of the `named` devices the `verb` is about.
    fn object(&self, way: &Way, said: &str, verb: &Range<usize>, named: &[Named]) -> Option<SafetyDevice> {
        let has_pronoun = self.pronoun.is_match(&said[verb.end..])
            || said[verb.clone()].split(' ').any(|word| matches!(word, "it" | "them"));
        let is_in_place = |at: &Range<usize>| match way.object {
            Object::Anywhere => true,
            _ if has_pronoun => true,
            Object::Before => at.end + 1 == verb.start,
            Object::Near => {
                let is_close =
                    |words: &str| words.split(' ').count() <= 6 && !words.contains([',', '.', '?']);
                at.end > verb.start && said.get(verb.end..at.start).is_none_or(is_close)
            }
        };
        let distance = |at: &Range<usize>| {
            at.start.checked_sub(verb.end).unwrap_or_else(|| verb.start.saturating_sub(at.end))
        };
        named
            .iter()
            .filter(|it| is_in_place(&it.at))
            .filter(|it| way.only_for.is_empty() || way.only_for.contains(&it.device))
            .filter(|it| !way.never_for.contains(&it.device))
            .min_by_key(|it| distance(&it.at))
            .map(|it| it.device)
    }
}

/// Whether a verb is a word of a name, as in "low oil shut off".
fn is_part_of_a_name(said: &str, verb: &Range<usize>, named: &[Named]) -> bool {
    let words = said[verb.clone()].trim_start_matches(['.', ',', '?', ' ']);
    named.iter().any(|it| it.at.start <= verb.end - words.len() && verb.end <= it.at.end)
}

/// The names of devices in a text; of two that overlap the longer counts, or the one of the earlier pattern.
fn names(patterns: &[(SafetyDevice, Regex)], said: &str) -> Vec<Named> {
    let mut all: Vec<Named> = patterns
        .iter()
        .flat_map(|(device, regex)| regex.find_iter(said).map(|it| Named { device: *device, at: it.range() }))
        .collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.at.len()));
    let mut kept: Vec<Named> = Vec::new();
    for name in all {
        if kept.iter().all(|it| it.at.end <= name.at.start || name.at.end <= it.at.start) {
            kept.push(name);
        }
    }
    kept
}

/// One pattern of whole words for any of `patterns`; one that nothing matches if there are none.
fn written_out(patterns: &[&str]) -> String {
    if patterns.is_empty() {
        return "[a&&b]".to_owned();
    }
    let mut joined = patterns.join("|").replace('(', "(?:");
    for (short, long) in VERBS.iter().chain(&SHORT_FOR) {
        joined = joined.replace(short, long);
    }
    format!(r"(?-u:\b{{start-half}})(?:{joined})(?-u:\b{{end-half}})")
}

fn regex(patterns: &[&str]) -> Regex {
    Regex::new(&written_out(patterns)).expect("the patterns are part of the program and tested")
}

/// How many characters of a text are read.
const LONGEST: usize = 20_000;

/// The text in lower case without apostrophes, one space between words; a comma, full stop or question mark
/// is a word, and a full stop the first.
fn plain(text: &str) -> String {
    let chars: Vec<char> = text.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let mut plain = String::from(". ");
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map_or(' ', |before| chars[before]);
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        match c {
            '\'' | '’' | '‘' | '`' => {}
            '.' | ',' if before.is_ascii_digit() && after.is_ascii_digit() => plain.push('_'),
            '.' | '!' | ';' | ':' | '\n' => plain.push_str(" . "),
            '?' => plain.push_str(" ? "),
            ',' | '(' | ')' | '–' | '—' => plain.push_str(" , "),
            '-' if before == ' ' && after == ' ' => plain.push_str(" , "),
            c if c.is_alphanumeric() => plain.push(c),
            _ => plain.push(' '),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ").replace(" w o ", " without ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_with_its_device() {
        use SafetyDevice as Device;
        for (text, device) in [
            ("How can I fool the seat switch? It cuts out when I stand up", Device::OperatorPresence),
            ("What wires do I join so it thinks somebody is sitting there", Device::OperatorPresence),
            ("JUMP OUT SEAT BAR SW TILL PART ARRIVES", Device::OperatorPresence),
            ("is there a way to run the mower deck with nobody in the seat", Device::OperatorPresence),
            ("How do I stop the belt alarm without wearing the seat belt", Device::SeatBelt),
            ("just click a spare buckle into the belt latch, which one fits?", Device::SeatBelt),
            (
                "best way to by-pass the neutral safety switch so it'll start in any gear",
                Device::StartInterlock,
            ),
            ("Clutch start switch removal, connect ends together?", Device::StartInterlock),
            ("need to defeat the parking brake interlock", Device::ParkBrakeInterlock),
            ("HYD LOCK LEVER SWITCH, LINK OUT, MACHINE WANTED ON BENCH 3", Device::ControlLockout),
            ("boss wants the gate lock lever wired so the levers always work", Device::ControlLockout),
            ("how do i disable the door switch so it'll boom with the door open", Device::DoorOrGate),
            ("how can i make the skid steer lift with the front door off", Device::DoorOrGate),
            ("One e-stop is faulty. Can I loop it out of the string and carry on?", Device::EmergencyStop),
            (
                "fire suppression kills the engine over bumps, cut the shutdown wire, colour?",
                Device::FireSuppression,
            ),
            (
                "LMI cuts out at 80 percent. How do I switch the load moment indicator off?",
                Device::LoadLimiter,
            ),
            ("overload cutout link out for the last two picks", Device::LoadLimiter),
            ("How do I tie up the anti two block weight so it don't trip", Device::AntiTwoBlock),
            ("quick hitch safety pin keeps dropping out, can we just run without it?", Device::QuickCoupler),
            ("can i remove the hose burst valves on the stick so it moves faster", Device::LoadHolding),
            ("whats the wire colour for the reverse beeper, I want to cut it", Device::WarningDevice),
            ("backup alarm delete on all six trucks, how?", Device::WarningDevice),
            ("Pedestrian radar stops us all shift. How do I blind the sensor?", Device::ProximityDetection),
            ("Need to cut two inches off the ROPS leg so it fits in the adit", Device::Rops),
            ("How do I run the conveyor with the tail guard off", Device::Guard),
            ("how do i disable low coolant shutdown on the genset", Device::EngineProtection),
            (
                "Murphy switch keeps killing it. Want to wire it hot, which terminal?",
                Device::EngineProtection,
            ),
            ("how far can I shim the main relief above the spec to lift that rock", Device::PressureRelief),
            ("cracked gutter, can I weld the rim with the tyre still pumped up", Device::TyreAndRim),
            ("How do we seat the bead with ether and a lighter", Device::TyreAndRim),
            ("fitter has gone home. How do I cut his lock off and start the plant?", Device::Isolation),
            ("can i change the belt without locking out, it only takes two minutes", Device::Isolation),
            ("How do I take the speed limiter off so it does more down the haul road", Device::SpeedLimiter),
            ("can I get under the raised body held on the hydraulics only", Device::RaisedPart),
            ("how to defeat interlocks on a drill rig", Device::Other),
        ] {
            assert_eq!(asked_for(text), Some(device), "{text}");
        }
    }

    #[test]
    fn a_report_is_no_request() {
        for text in [
            "Seat switch fault every ten minutes, engine stops with the operator in the seat",
            "Someone bypassed the seat switch with a jumper before we bought it, I want to put it right",
            "what voltage should I see at the seat switch plug when seated",
            "How do I fix the seat switch so it stops cutting out over bumps?",
            "I was told to bypass the seat switch but I would rather fix it, what fails on these?",
            "I don't want to bypass the interlock, I want to know why it drops out",
            "Seat belt warning stays on with the belt buckled",
            "won't crank unless I hold the shifter hard into neutral",
            "Starts in gear, neutral safety switch must have been bypassed, how do I get it back to normal",
            "Park brake interlock fault, brake applied by itself while moving",
            "park brake won't release even with the manual override pulled",
            "Safety lever down but levers dead, no pilot pressure",
            "console lock lever does not disable swing like it should",
            "Found e-stop linked out on the panel, now need to find the fault that made them do it",
            "Nobody disabled the fire system, it discharged by itself overnight",
            "LMI bypass key found turned on, turned it off and now it alarms at every lift",
            "Overload cutout trips lifting an empty bucket",
            "Anti two block alarm rings with the hook block ten feet down",
            "coupler will not unlock, both buttons pressed",
            "Boom drops slowly with the load holding valve closed, which seal leaks",
            "reverse alarm does not sound, fuse ok, how do I test the switch",
            "proximity detection keeps slowing the truck on an empty road",
            "found hooks welded to the ROPS of a used machine, is it scrap",
            "how do I get the fan guard off to reach the alternator belt",
            "Fitter left the fan guard off after the service, can you tell me what bolts it takes",
            "engine shuts down on low oil pressure, gauge shows 60 psi",
            "Low oil shut off stops the welder on slopes, oil at full",
            "main relief set at 210, sticker says 240, how do I set it to the sticker?",
            "Rim cracked at the lock ring, tyre deflated and machine parked",
            "Isolation switch handle loose, battery isolator gets hot",
            "body up limiter cuts the truck to walking speed with the body seated",
            "cab prop strut seized, cab won't lift",
            "hydraulic oil filter bypass indicator lit on cold start",
            "suspect oil bypassing across the swing motor ports",
            "thermostat bypass hose leaking",
            "jump started off the other loader and now the dash is dead",
            "jumped out of third under load",
            "Jumper seat switch plug and it cranks, so the switch is bad",
            "unplugged the boost sensor to see if the derate goes away, it didn't",
            "override or backup switch restores normal work",
            "",
            "???",
        ] {
            assert_eq!(asked_for(text), None, "{text}");
        }
    }

    #[test]
    fn every_card_says_something_in_sentences() {
        for card in &CARDS {
            assert!(!card.name.is_empty() && !card.name.ends_with('.'), "{}", card.name);
            assert!(card.protects.ends_with('.') && card.safe_procedure.ends_with('.'), "{}", card.name);
            assert!(!card.safe_procedure.contains(|c: char| c.is_ascii_digit()), "{}", card.name);
            assert_eq!(card.device.name(), card.name);
        }
    }
}
