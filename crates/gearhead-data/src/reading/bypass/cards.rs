//! What the technician is told about each device.

use super::SafetyDevice;

/// What the technician is told about a device.
pub(super) struct Card {
    pub(super) device: SafetyDevice,
    pub(super) name: &'static str,
    pub(super) protects: &'static str,
    pub(super) safe_procedure: &'static str,
}

/// One card for each device, in the order of [`SafetyDevice`].
pub(super) const CARDS: [Card; 23] = [
    Card {
        device: SafetyDevice::OperatorPresence,
        name: "the operator presence switch",
        protects: "It stops the machine from moving when nobody is in the seat.",
        safe_procedure: "Park on level ground, lower the attachment, stop the engine and lock out. Test \
            the seat or bar switch, its plug and its wiring by the maker's procedure, with the operator's \
            weight on and off, and renew what fails. Do not use the machine until it stops by itself when \
            the seat is left.",
    },
    Card {
        device: SafetyDevice::SeatBelt,
        name: "the seat belt and its monitor",
        protects: "It keeps the operator inside the protective structure when the machine tips or hits \
            something.",
        safe_procedure: "Wear the belt, and park the machine if it does not latch or retract. Check \
            buckle, reel, webbing, the buckle switch and its wiring by the maker's procedure, and renew \
            the whole belt when it is worn or has held in an accident.",
    },
    Card {
        device: SafetyDevice::StartInterlock,
        name: "the start interlock",
        protects: "It stops the engine from starting in gear and the machine from running someone over.",
        safe_procedure: "Apply the parking brake, chock the wheels or lower the attachment, and start \
            only from the seat. Test the neutral or clutch switch, its adjustment and the start circuit \
            by the maker's wiring diagram, and do not use the machine until it cranks in neutral only.",
    },
    Card {
        device: SafetyDevice::ParkBrakeInterlock,
        name: "the parking brake interlock",
        protects: "It stops the machine from rolling away and from being driven against an applied brake.",
        safe_procedure: "Stop on level ground, chock the wheels and lock out. Find why the brake does not \
            release or its switch does not agree: measure release pressure, switch, solenoid and wiring \
            by the maker's procedure. To move a dead machine use the maker's release and towing procedure \
            only.",
    },
    Card {
        device: SafetyDevice::ControlLockout,
        name: "the control lockout",
        protects: "It stops the attachment, swing and travel from moving when a lever is touched by \
            accident.",
        safe_procedure: "Lower the attachment, stop the engine and relieve the pressure before you leave \
            the seat. Test the lockout lever, its switch, the pilot cut-off solenoid and the wiring by \
            the maker's procedure, and do not use the machine until the lever shuts off every function.",
    },
    Card {
        device: SafetyDevice::DoorOrGate,
        name: "the door or gate switch",
        protects: "It stops movement while somebody can reach, or be caught in, the opening.",
        safe_procedure: "Work with the door or gate closed, and park and lock out to mend it. Check \
            latch, hinge, striker or magnet, switch and wiring by the maker's procedure, and do not use \
            the machine until opening it stops what it must stop.",
    },
    Card {
        device: SafetyDevice::EmergencyStop,
        name: "the emergency stop",
        protects: "It lets anybody stop the machine at once.",
        safe_procedure: "Leave the machine stopped and locked out. Go through the stop circuit button by \
            button and cord by cord with the maker's diagram, renew the contact, cable or relay that is \
            open, and prove every stop before the machine goes back to work. Shield a button that is \
            bumped, but keep it working.",
    },
    Card {
        device: SafetyDevice::FireSuppression,
        name: "the fire suppression system",
        protects: "It puts out a fire and stops the engine while the operator gets away.",
        safe_procedure: "Park the machine and have the system inspected, recharged or mended by a \
            technician who is qualified for it, who alone makes it safe for work. Find leaks, damaged \
            detection line or wiring by the maker's procedure, and do not use the machine until the panel \
            shows it ready.",
    },
    Card {
        device: SafetyDevice::LoadLimiter,
        name: "the load limiter",
        protects: "It stops the machine before it tips over or its structure breaks.",
        safe_procedure: "Set the load down and lift only what the load chart allows, at a shorter radius, \
            in parts, or with a larger machine. If it trips below the chart, take the machine out of \
            service and check its sensors, settings and calibration with a known load by the maker's \
            procedure.",
    },
    Card {
        device: SafetyDevice::AntiTwoBlock,
        name: "the anti two-block switch",
        protects: "It stops the hook block from running into the boom head and breaking the rope.",
        safe_procedure: "Lower the load and keep the hook block clear of the boom head. Check weight, \
            chain, switch, cable reel and plugs by the maker's procedure, and do not lift until raising \
            the weight by hand stops the hoist.",
    },
    Card {
        device: SafetyDevice::QuickCoupler,
        name: "the quick coupler lock",
        protects: "It stops the attachment from falling off on somebody.",
        safe_procedure: "Put the attachment down, keep people away, and do not work with a coupler that \
            is not locked and pinned. Check wedge or hook, safety pin, lock cylinder, sensor and switch \
            by the maker's procedure, and prove the lock by sight and against the ground before each use.",
    },
    Card {
        device: SafetyDevice::LoadHolding,
        name: "the load-holding valve",
        protects: "It holds the load when a hose bursts or a control fails.",
        safe_procedure: "Lower the load, support the boom and relieve the pressure before you open a \
            line. If the function drifts, jerks or is slow, test pilot pressure and the valve by the \
            maker's procedure, and renew or set it to the maker's figures. Do not lift without it.",
    },
    Card {
        device: SafetyDevice::WarningDevice,
        name: "the warning device",
        protects: "It warns people on foot that the machine is about to move.",
        safe_procedure: "Keep it working and do not move the machine near people without it. Where the \
            noise is the trouble, ask the site and the maker for an approved alarm of another kind; where \
            it sounds wrongly, test its switch, wiring and unit by the maker's procedure.",
    },
    Card {
        device: SafetyDevice::ProximityDetection,
        name: "the proximity detection system",
        protects: "It warns of, or stops for, people and machines in the path.",
        safe_procedure: "Stop where the site's rules say so and report the false alarms. Clean and align \
            sensors and cameras, check mounting, wiring and zone settings by the maker's procedure, and \
            use the machine again when a test with a target passes.",
    },
    Card {
        device: SafetyDevice::Rops,
        name: "the protective structure of the cab",
        protects: "It keeps room to live around the operator in a roll-over or under a falling object.",
        safe_procedure: "Do not cut, drill, weld, fold or take it off for work: any change ends its \
            approval. If it is cracked, bent or does not fit the place, park the machine and ask the \
            maker for an approved repair, a new structure or a lower machine.",
    },
    Card {
        device: SafetyDevice::Guard,
        name: "the guard",
        protects: "It keeps hands and clothing out of moving parts and stops what they throw.",
        safe_procedure: "Stop the machine, lock out and wait until everything stands still before you \
            take a guard off, and put it back before you start. Mend bent guards and their switches, and \
            clean, grease or tension from outside where the maker has provided for it.",
    },
    Card {
        device: SafetyDevice::EngineProtection,
        name: "the engine protection",
        protects: "It stops the engine before it seizes, burns or runs away.",
        safe_procedure: "Leave the engine stopped and find out whether the trip is true: measure oil \
            pressure, coolant level, temperature or speed with an instrument of its own. If it is true \
            mend the engine; if not test sensor, plug and wiring by the maker's procedure, and run it \
            again when the shutdown works.",
    },
    Card {
        device: SafetyDevice::PressureRelief,
        name: "the relief valve",
        protects: "It stops hoses, vessels and structure from bursting.",
        safe_procedure: "Stop, lower the load and let the pressure out. Measure with a gauge at the port \
            that the maker names, set the valve to the maker's figure and no higher, and renew it when it \
            does not hold; a safety valve of a vessel is only exchanged for one of the same rating.",
    },
    Card {
        device: SafetyDevice::TyreAndRim,
        name: "the rules for tyres and rims under pressure",
        protects: "A rim or tyre that bursts kills whoever stands beside it.",
        safe_procedure: "Let all air out through the valve core before any work on wheel or rim, and \
            never heat or weld a rim with a tyre on it. Throw cracked parts away. Have the tyre fitted \
            and inflated by a trained tyre fitter, in a cage or behind a restraint, with a remote gauge \
            and clip-on chuck.",
    },
    Card {
        device: SafetyDevice::Isolation,
        name: "the isolation with lock and tag",
        protects: "It stops the machine from being started while somebody works on it.",
        safe_procedure: "Isolate, put on your own lock and tag, let stored energy out and try to start \
            before you touch anything. Only the owner of a lock or tag takes it off; if the owner is away \
            follow the site's removal procedure with the person in charge. A faulty isolator is renewed, \
            not joined through.",
    },
    Card {
        device: SafetyDevice::SpeedLimiter,
        name: "the speed limiter",
        protects: "It keeps the speed to what brakes, tyres and steering can hold.",
        safe_procedure: "Drive at the limit that the maker and the site have set. If it holds the machine \
            too slow, read the codes and check speed sensor, body and gear switches and settings by the \
            maker's procedure.",
    },
    Card {
        device: SafetyDevice::RaisedPart,
        name: "the prop or lock of a raised or hinged part",
        protects: "It stops the part from coming down or closing on whoever works under or inside it.",
        safe_procedure: "Lower the part, or put in the maker's prop, pin or lock bar before anybody goes \
            under it or into the joint; timber, a jack or the hydraulics do not replace it. Then stop the \
            engine and lock out. If it is missing or bent get the right one first.",
    },
    Card {
        device: SafetyDevice::Other,
        name: "the safety device",
        protects: "It protects people and the machine from harm.",
        safe_procedure: "Park, lower everything to the ground, stop the engine and lock out. Find why the \
            device trips by fault finding of its own circuit with the maker's procedure, and do not use \
            the machine until it works.",
    },
];

const _: () = {
    let mut at = 0;
    while at < CARDS.len() {
        assert!(CARDS[at].device as usize == at, "the cards stand in the order of the devices");
        at += 1;
    }
};
