//! Which safety device a text names.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::SafetyDevice;

/// How devices are called. Of two names that overlap the longer counts, or the earlier one here.
const KNOWN: [(SafetyDevice, &[&str]); 22] = [
    (
        SafetyDevice::OperatorPresence,
        &[
            "(seat|cushion|bum|arse|butt|operator)( pressure| safety| bar| occupancy| presence| \
             weight)* (SENSOR|bar|pad|mat|kill)",
            "(operator|driver)s? (presence|present|in seat|detection|seat)( SENSOR)?",
            "(presence|occupancy) (SENSOR|control|bar|system)",
            "(lap|restraint|safety|grab|interlock) bar( SENSOR)?|bar (sensor|switch)",
            "dead ?mans?( pedal| handle| lever| bar| SENSOR)?|foot ?switch",
            "(two hand|hold to run|enable) (pedal|button|SENSOR|control)",
            "(SENSOR (in|under|on)( \\S+)?|under (the|my|his)) (seat|cushion)",
        ],
    ),
    (
        SafetyDevice::SeatBelt,
        &[
            "seat ?belts?( SENSOR| chime| warning| reminder| latch| buckle)*|lap belt",
            "(safety )?harness (SENSOR|hook)",
            "belt (SENSOR|tongue|clip|chime|warning|latch|buckle|reminder|beeper|nag|light)",
            "buckles?( SENSOR)?",
        ],
    ),
    (
        SafetyDevice::StartInterlock,
        &[
            "(neutral|clutch|gear|shuttle|shift|shifter)( start| safety| position| pedal| lever)* \
             (SENSOR|inhibit|inhibitor)( SENSOR)?",
            "(start|starter|starting|crank)( safety| circuit| motor)* (inter ?lock|lock ?out|inhibit|\
             inhibitor|prevention|permissive)( SENSOR)?",
            "inhibitor( SENSOR)|(anti|no) start( in gear)?|start in gear( SENSOR)?",
        ],
    ),
    (
        SafetyDevice::ParkBrakeInterlock,
        &[
            "(park|parking|hand|p|pk|emergency|maxi|spring|service)? ?(brake|brk)( release| applied| \
             pressure| low pressure)* SENSOR",
            "(parking|park|hand|p) ?brakes?|(pto|pto brake|pb) SENSOR",
        ],
    ),
    (
        SafetyDevice::ControlLockout,
        &[
            "(pilot|hydraulics?|hyd|controls?|lever|joystick|work equipment|implement|console|gate|\
             safety|arm ?rest|function|travel)( control| lever| lock| pilot| shut| cut)* (lock|lock \
             ?out|cut ?off|cut ?out|shut ?off|isolator|disable|lever)( lever| bar| valve| SENSOR)*",
            "(gate|lock|lock ?out|safety|red) (bar )?lever( SENSOR)?|(arm ?rest|console) SENSOR",
        ],
    ),
    (
        SafetyDevice::DoorOrGate,
        &[
            "(door|doors|gate|gates|hatch|ladder|stairs?|stairway|cage)( open| ajar| position| \
             proximity| limit| safety| micro| magnetic| reed)* SENSOR",
            "(rod|basket|platform|mesh|access) (cage|door|gate)( gate)?( SENSOR)*",
            "SENSOR on( \\S+){1,2} (door|gate|ladder|hatch)",
        ],
    ),
    (
        SafetyDevice::EmergencyStop,
        &[
            "e ?stops?( button| string| loop| chain| SENSOR)*",
            "emergency (stop|stops|shut ?down|SENSOR|off|button)( button| SENSOR)*",
            "(pull|trip|rip) (cord|wire|rope|line|key)s?( SENSOR)?|lanyard( SENSOR)?",
            "ground( level)? (shut ?down|stop)( SENSOR)?",
            "(remote|pendant|radio|belly|tether) (stop|kill)( button| SENSOR)?",
            "(stop|kill) (button|string|loop|cord|bar|SENSOR)",
            "mushroom( button| head| SENSOR)?|(safety|stop) (relay|circuit|chain|loop|string)|slam bar",
        ],
    ),
    (
        SafetyDevice::FireSuppression,
        &[
            "fire (suppression|systems?|bottles?|panel|extinguish\\S+|detect\\S+|wire|loop|tube|line|\
             shut ?down|cylinder|actuator|protection|SENSOR)( system| shut ?down| wire| loop| panel| \
             bottle| actuator| SENSOR)*",
            "extinguish\\S+( system)?|ansul|amerex|afex|fogmaker|kidde|dafo|wormald",
            "suppression( system| bottle| shut ?down)?|squibs?|afss",
            "(linear|detection) (wire|tube|line|loop)",
        ],
    ),
    (
        SafetyDevice::AntiTwoBlock,
        &[
            "(anti ?(two|2) ?bloc?k(ing)?|a2b|atb|two block(ing)?)( weight| chain| socket| reel| \
             system| SENSOR)*",
            "(hoist|upper|up|hook|hook block|winch|top)( up| travel| height)? (limit|limits|limiter|\
             cut ?out|cut ?off)( SENSOR)?",
            "over ?(hoist|wind)( SENSOR)?",
        ],
    ),
    (
        SafetyDevice::LoadLimiter,
        &[
            "(acs|lmi|rci|rcl|sli|asli|llmi|lmc|rlli)( system| computer| display| key| SENSOR)*",
            "(load|rated capacity|safe load|moment|capacity|weight|overturning|stability|slew|radius|\
             reach|height|boom angle|boom length|tilt|slope|outriggers?|stabili[sz]ers?|legs?|axle)( \
             load| moment| overload)* (limiter|limiting|limitation|indicator|cells?|management|\
             protection|warning|control|SENSOR)( system| SENSOR)*",
            "over ?load( lock| protection| warning| limiter| indicator| system| SENSOR)*",
            "load (moment|limit)\\S*( indicator| SENSOR)*|(crane|lift) (computer|limiter)|load pin",
            "motion cut ?(out|off)",
        ],
    ),
    (
        SafetyDevice::QuickCoupler,
        &[
            "((quick|q|bucket|attachment|tilt|hydraulic) ?)?(couplers?|hitch|quickhitch|quick \
             ?attach)( safety| lock| locking| wedge| unlock| release)*( pins?| bar| button| valve| \
             light| warning| SENSOR)*",
            "qh",
        ],
    ),
    (
        SafetyDevice::LoadHolding,
        &[
            "(load|boom|arm|stick|dipper|ram|cylinder|jib|leg|drop|pilot|hose|pipe|drift|burst)( \
             operated| cylinder| safety| hose| load| pipe)* (holding|hold|check|lock|burst|rupture|\
             break|safety|control|protection) (valves?|vlvs?|cartridges?)",
            "(boom|load|arm) checks?",
            "(load holding|load check|holding|lock|check|burst|rupture|anti ?drift) (valves?|vlvs?|\
             cartridges?)",
            "hose (burst|rupture|break) \\S+|counter ?balances?( valves?| cartridges?)?",
            "over ?cent(re|er)( valves?)?|velocity fuses?",
        ],
    ),
    (
        SafetyDevice::PressureRelief,
        &[
            "((main|port|line|system|pump|swing|travel|circuit|cross ?over|tank|compressor|air|\
             accumulator|steering) )*(relief|reliefs|prv|psv)( valves?| port| spring| cartridge)*",
            "(safety|pressure limiting|unloader) valves?|(pop|blow) ?off( valves?)?",
            "(burst|rupture|bursting) dis[ck]s?",
            "(pressure|compressor) (cut ?out|cut ?off|limiter|safety)|(pressure|radiator) cap",
        ],
    ),
    (
        SafetyDevice::SpeedLimiter,
        &[
            "((travel|road|ground|drive|max|top|vehicle|haul|tram) )*speed (limit\\S*|governor|cap|\
             restrict\\S*|lock|cut ?out|regulator)",
            "governor( seal| screw| stop)?|governed|limiter",
            "(gear|top gear|high range) (limit|limiter|lock ?out|lock)|(road|top) speed",
            "(body|tray) up (limit|speed|SENSOR)",
        ],
    ),
    (
        SafetyDevice::WarningDevice,
        &[
            "((reverse|reversing|back ?up|backing|travel|motion|movement|swing|slew|start up|rear|rear \
             view) )+(alarms?|beepers?|beep|buzzers?|squawkers?|horn|siren|cameras?|warning|sounder|\
             lights?|tone)",
            "squawkers?|quackers?|beacons?|strobes?",
            "(flashing|amber|rotating|hazard|blue spot|warning) (lights?|lamps?)|horn",
            "(fatigue|drowsiness|driver) (camera|SENSOR|monitoring)( system)?",
        ],
    ),
    (
        SafetyDevice::ProximityDetection,
        &[
            "my tag",
            "proximity (detect\\S*|systems?|tags?|warn\\S*|unit|stop|radar|module|controller)( reader| \
             system| tag| SENSOR)*",
            "pds|cas|proximity( SENSOR)?",
            "(anti )?collision (SENSOR|avoid\\S*|warn\\S*|mitigation|system|detect\\S*|prevention|\
             radar)( system| radar| module| camera)*",
            "anti ?collision",
            "(pedestrian|ped|human|people|person|object|obstacle|blind spot)( \\S+)? (detect\\S*|radar|\
             recognition|camera|stop|brak\\S*|alert|SENSOR)( system| camera| radar)*",
            "radars?|lidars?|laser scanners?|(geo|electronic|virtual) ?(fence|wall)",
            "(auto|automatic) brak(e|ing)|area scanner|swing (limit|fence)",
        ],
    ),
    (
        SafetyDevice::Rops,
        &[
            "(rops|fops|tops)( frame| structure| canopy| cab| posts?| legs?| bars?| roof)*",
            "roll ?(over )?(bar|cage|frame|protection|structure|hoop|posts?)",
            "falling object( protection| guard| structure)*",
            "(canopy|cab|cabin) (posts?|pillars?|legs?|frame)|canopy",
            "(overhead|forestry|demolition|rock|windscreen) guards?",
        ],
    ),
    (
        SafetyDevice::Guard,
        &[
            "((fan|belt|tail|head|chain|drive|shaft|pto|coupling|nip|pulley|mesh|blade|cutter|saw|drum|\
             chipper|conveyor|rotor|auger|side|engine|flywheel) )*(guards?|guarding|covers|cover \
             SENSOR)( SENSOR)?",
            "((fan|belt|chain|shaft|pto|coupling|pulley|blade|chipper|engine|drum) )+(cover|shield|\
             shroud|hood|cage)( SENSOR)?",
            "(hood|bonnet|lid|panel|shield) SENSOR|(infeed|feed|feed control) bar",
            "SENSOR on( \\S+){1,3} (lid|hood|cover|bonnet|hinge)",
        ],
    ),
    (
        SafetyDevice::EngineProtection,
        &[
            "(engine|oil|lube|temp|temperature|coolant|water|over ?temp|over ?temperature|over ?speed|\
             over ?heat|over ?heating|transmission|vibration|crankcase|thermal)( pressure| press| temp| \
             temperature| level| low| high| auto)* (shut ?downs?|protections?|safeties|derate|kill|\
             stop|sender|inhibit|SENSOR|setpoint)( valve| setpoint| SENSOR)*",
            "murphy( gauge| SENSOR)?|over ?speed|over ?temp(erature)?( cut)?",
            "(air|intake|air intake) shut ?(off|down)( valve| flap)?|chalwyn|strangler|swich ?gage",
            "derat(e|es|ing)|engine protection",
        ],
    ),
    (SafetyDevice::TyreAndRim, &["(lock|side) rings?|split rims?|(tyre|tire|inflation) cage|rims?|beads?"]),
    (
        SafetyDevice::Isolation,
        &[
            "loto|tag ?out|(danger|service|personal|isolation) (tags?|locks?)|pad ?locks?",
            "(battery )?isolators?( switch)?|isolation( switch| points?)?",
            "(master|battery disconnect|disconnect) switch",
        ],
    ),
    (
        SafetyDevice::RaisedPart,
        &[
            "(cab|cabin|boom|lift arms?|loader arms?|arms?|body|tray|tipper|hoist|hood|tailgate|mast)( \
             safety| support| tilt)* (props?|struts?|supports?|stands?|brace|lock ?bar|lock ?pins?|\
             pins?|locks?)",
            "(articulation|artic|steering frame|frame|hinge|oscillation)( joint| safety| steering)* \
             (locks?|bars?|pins?|lock ?bar|lock ?pin|link)",
            "lock ?bars?|support pins?|(jack|axle) stands?|safety (strut|prop|pin)",
        ],
    ),
];

/// Names that say only that something protects; they count where a text names no device of [`KNOWN`].
const VAGUE: [(SafetyDevice, &[&str]); 3] = [
    (SafetyDevice::EngineProtection, &["shut ?downs?|shut(s|ting)?( \\S+)? (down|off)|sender"]),
    (SafetyDevice::WarningDevice, &["alarms?|buzzers?|beepers?|sirens?"]),
    (
        SafetyDevice::Other,
        &[
            "inter ?locks?|safet(y|ies)( device| system| feature| SENSOR)*|lock ?outs?|cut ?outs?",
            "limit switch",
        ],
    ),
];

/// Words that hint at a device, where a request names none; of several the earlier here counts.
const HINTS: [(SafetyDevice, &[&str]); 25] = [
    (
        SafetyDevice::Isolation,
        &["(lock(ing|ed)?|tag(ging|ged)?) ?out|without (locking|isolating)|pad ?lock|hasp|\
             bolt (cutters?|croppers?)"],
    ),
    (
        SafetyDevice::SeatBelt,
        &["(un)?belt(ed)?( lights?| bong| bell)?( up)?|unbuckled|retractor|orange strap|\
             (dummy )?latch plate"],
    ),
    (
        SafetyDevice::StartInterlock,
        &["nss|fnr|range lever|thumb switch|direction lever|start(ed|ing)? (circuit|relay|in gear|\
             switch|in park)|to crank|cranks?|the starter|(thinks|reading) (its )?in (n|park|neutral)"],
    ),
    (
        SafetyDevice::RaisedPart,
        &["(under|beneath|underneath|below|no|without|the)( \\S+){0,4} (props?|strut|stands|\
             lock pins?|maint(enance)? bar|raised|header|bed|tray|blade|ripper|scissor deck|body|\
             arms|boom)|(boom|bed|body|blade|arms|deck|mast|bucket|tray|tipper) (\\S+ )?(up|\
             in the air|raised)( \\S+){0,6} (no|without|under|work|in|jack|hold)|maint(enance)? bar|\
             jack( only)?|underneath|beneath"],
    ),
    (
        SafetyDevice::TyreAndRim,
        &["tyres?|tires?|lug( nut)?s|wheel nuts|two piece wheel|multi ?piece|outer dual|\
             wheel studs|inflat(e|ing)|valve (stem )?hole|restraint|airing"],
    ),
    (
        SafetyDevice::SpeedLimiter,
        &["(de ?restrict|speed|turtle|tortoise|rabbit|hare|creep|retarder|governor|gov|faster|mph|\
             kph|km|slow travel|makes it crawl)( mode| zone)?|\\d+ (mph|kph|k|km)"],
    ),
    (
        SafetyDevice::FireSuppression,
        &["nozzles?|foam( bottle| tank)?|agent tank|actuators?( pin\\S*)?|discharged?( bottle)?|\
             (empty )?bottle|flame eye|linear detectors?"],
    ),
    (
        SafetyDevice::WarningDevice,
        &["bleepers?|beeps?|rev(erse|ersing)? cam(era)?|cam(era)?|bbs tek|silenced?|noise"],
    ),
    (
        SafetyDevice::ProximityDetection,
        &["tags?|scanner|ultrasonics?|red zone|stop zone|zones?|hit ?not|strata|hazardavert|\
             blindsight|obj\\S* avoidance|avoidance|detection|e fence|aisle sensor|muting|prox|\
             pedestrians?|rear sensor"],
    ),
    (
        SafetyDevice::QuickCoupler,
        &["hitch(es)?|bobtach|geith|engcon|strickland|steelwrist|miller|tilt ?rotators?|(front|\
             second|secondary|double) lock|lock(ing)? (pins?|cyl\\S*)|locking sensor|buckets?|\
             attachments?|lost pin"],
    ),
    (
        SafetyDevice::LoadHolding,
        &["cb( valve)?|oc valve|po check|load lock|drop valves?|jack valves?|lift cb"],
    ),
    (
        SafetyDevice::LoadLimiter,
        &["load ?(cell|sense)s?|boom length|outriggers?|counterweight|chart|(tip|wind|\
             motion) cut ?out|safe load indicators?|parts of line|mewp|hirschmann|grove|hiab|\
             overload\\S*|the computer|crane"],
    ),
    (SafetyDevice::AntiTwoBlock, &["bob weight|weight|hook|hoist|winch|two ?block\\S*|block"]),
    (
        SafetyDevice::PressureRelief,
        &["rcv|rad cap|psi|bar|pressure|vent|yield valve|power boost|tensioner|breakout|\
             blow ?off"],
    ),
    (
        SafetyDevice::EngineProtection,
        &["coolant|level probe|oil pressure|temperature|temp|hot|tattle\\S*|low water|scr|\
             inducement|torque cut|red stop|stop (lamp|light)|genset|cummins|perkins|motor"],
    ),
    (
        SafetyDevice::EmergencyStop,
        &["(red|side|far|emerg|paddle|floor) (stops?|buttons?|knob)|stops?( button)?|trip bar|\
             ecord|remote cut ?out|red buttons?"],
    ),
    (
        SafetyDevice::Guard,
        &["mesh|shields?|light curtain|hinge switch|tongue|deflector|chute|flywheel|grates?|hoods?|\
             lids?|covers?|guarding|trapped key|hatch open"],
    ),
    (SafetyDevice::Rops, &["roof|hoop|fold down bar|cab( off|s rear)|polycarb\\S*|frame|roll\\S*"]),
    (
        SafetyDevice::DoorOrGate,
        &["doors?|gates?|cages?|ladder|window|hatch|mid ?(rail|bar)|swing rail|entry bar"],
    ),
    (
        SafetyDevice::OperatorPresence,
        &["seat(ed)?|stand up|get off|sitting|sat|pedals?|vigilance|bail|hold to run|let go|nobody"],
    ),
    (
        SafetyDevice::ControlLockout,
        &["pilots?|joysticks?|sticks|console|arm ?rest|(left|red)? ?lever (up|down|off)|hydraulics|\
             controls|levers?"],
    ),
    (SafetyDevice::ParkBrakeInterlock, &["brakes?|brk|auto ?park|pb|traction lock"]),
    (SafetyDevice::StartInterlock, &["neutral|in gear|clutch"]),
    (
        SafetyDevice::Isolation,
        &["locks?|lockout|locked out|locking out|padlock|master ?lock|hasp|tags?|permit|\
             bolt (cutters?|croppers?)|isolate\\S*|group (lock )?box|breaker|live|bleed"],
    ),
    (SafetyDevice::FireSuppression, &["fire"]),
];

/// What the words in capitals in the patterns stand for. A text is matched as [`plain`](super::plain::plain) leaves it.
const SHORT_FOR: [(&str, &str); 2] = [
    (r"\S", "[^ ,.?]"),
    (
        "SENSOR",
        "(?:switch(?:es)?|sw|sensors?|prox|inter ?lock|lock ?out|cut ?out|cut ?off|shut ?off|limit|\
             contacts?|relay|circuit|solenoid|alarm|buzzer|signal|monitor|plug|connector|trip|safety|\
             timer|micro|reader|receiver|limiter)",
    ),
];

/// Where a device is named.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) device: SafetyDevice,
    pub(super) at: Range<usize>,
}

/// The devices that a text names, in its order, also those that it names vaguely.
pub(super) fn named(said: &str) -> Vec<Named> {
    let mut named = PATTERNS.known.names(said);
    let vague = PATTERNS.vague.names(said);
    named.extend(vague);
    named.sort_by_key(|it| it.at.start);
    let mut end = 0;
    named.retain(|it| {
        let is_behind = it.at.start >= end;
        if is_behind {
            end = it.at.end;
        }
        is_behind
    });
    named
}

/// The device that a request is about: the first that it names, or else that it hints at.
pub(super) fn meant(said: &str) -> SafetyDevice {
    let Patterns { known, vague, hints } = &*PATTERNS;
    let hinted = || hints.0.iter().find(|(_, regex)| regex.is_match(said)).map(|(device, _)| *device);
    known.first(said).or_else(hinted).or_else(|| vague.first(said)).unwrap_or(SafetyDevice::Other)
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    known: Names::new(&KNOWN),
    vague: Names::new(&VAGUE),
    hints: Names::new(&HINTS),
});

/// The patterns of this module, compiled.
struct Patterns {
    known: Names,
    vague: Names,
    hints: Names,
}

struct Names(Vec<(SafetyDevice, Regex)>);

impl Names {
    fn new(names: &[(SafetyDevice, &[&str])]) -> Self {
        Self(names.iter().map(|(device, names)| (*device, regex(names))).collect())
    }

    /// Where they stand in a text; of two that overlap the longer counts, or the one of the earlier pattern.
    fn names(&self, said: &str) -> Vec<Named> {
        let found = self.0.iter().flat_map(|(device, regex)| {
            regex.find_iter(said).map(|it| Named { device: *device, at: it.range() })
        });
        let mut all: Vec<Named> = found.collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.at.len()));
        let mut kept: Vec<Named> = Vec::new();
        for name in all {
            if kept.iter().all(|it| it.at.end <= name.at.start || name.at.end <= it.at.start) {
                kept.push(name);
            }
        }
        kept
    }

    /// The device that a text names first.
    fn first(&self, said: &str) -> Option<SafetyDevice> {
        self.names(said).into_iter().min_by_key(|it| it.at.start).map(|it| it.device)
    }
}

/// One pattern of whole words for any of `patterns`.
fn regex(patterns: &[&str]) -> Regex {
    let mut joined = patterns.join("|").replace('(', "(?:");
    for (short, long) in SHORT_FOR {
        joined = joined.replace(short, long);
    }
    Regex::new(&format!(r"(?-u:\b{{start-half}})(?:{joined})(?-u:\b{{end-half}})"))
        .expect("the patterns are part of the program and tested")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_of_two_names_counts_and_the_first_that_is_named_is_meant() {
        let said = ". the seat switch stops the alarm , fool the lmi";
        let names: Vec<_> = named(said).into_iter().map(|it| (it.device, &said[it.at])).collect();
        assert_eq!(
            names,
            [
                (SafetyDevice::OperatorPresence, "seat switch"),
                (SafetyDevice::WarningDevice, "alarm"),
                (SafetyDevice::LoadLimiter, "lmi"),
            ]
        );
        assert_eq!(meant(said), SafetyDevice::OperatorPresence);
        assert_eq!(meant(". silence the buzzer"), SafetyDevice::WarningDevice);
        assert_eq!(meant(". run it with the door off"), SafetyDevice::DoorOrGate);
        assert_eq!(meant(". fool it"), SafetyDevice::Other);
    }
}
