//! How devices are called.

use super::SafetyDevice;

/// How a device is called, and phrases that ask to defeat it with no general verb beside its name.
pub(super) struct Known {
    pub(super) device: SafetyDevice,
    pub(super) names: &'static [&'static str],
    pub(super) phrases: &'static [&'static str],
}

pub(super) const KNOWN: [Known; 22] = [
    Known {
        device: SafetyDevice::OperatorPresence,
        names: &[
            "(seat|cushion|bum|arse|butt|operator)( pressure| safety| bar| occupancy| presence| \
             weight)* (SENSOR|bar|pad|mat|kill)",
            "(operator|driver)s? (presence|present|in seat|detection|seat)( SENSOR)?",
            "(presence|occupancy) (SENSOR|control|bar|system)",
            "(lap|restraint|safety|grab|interlock) bar( SENSOR)?|bar (sensor|switch)",
            "dead ?mans?( pedal| handle| lever| bar| SENSOR)?|foot ?switch",
            "(two hand|hold to run|enable) (pedal|button|SENSOR|control)",
            "(SENSOR (in|under|on)( \\S+)?|under (the|my|his)) (seat|cushion)",
        ],
        phrases: &[
            "THINKS (im|i am|youre|hes|there is|theres|some ?body|some ?one|(the|an|a) (operator|\
             driver|man|person)|operator|driver|its) … (seat|seated|sitting|sat|in it|there|occupied|\
             in place)",
            "THINKS (some ?(body|one)s|im|hes|youre|operators) (seated|sitting|there|in)",
            "THINKS (the )?seat( is|s)? (occupied|full|taken|loaded)",
            "ASKED (RUN|stay|mow|idle|walk|swing|hoist)( it| on| \\S+ing)* … (with|without|when|while|\
             if|and) (nobody|no ?one|no body|any ?one|any ?body|no operator|no driver|(an|the) \
             operator|im not|me)( is| being)* (in|on|sat|sitting|seated|at|aboard|behind)",
            "(run|work|operate|drive|move|running|working|runs) … (standing (up|beside|next|outside)|\
             beside it|(out of|off) the seat|from (the ground|outside))",
            "to (stay|keep|run|work|carry)( \\S+){0,2} (when|while|after|if) (i|we|you|operator|\
             driver) (leave|get|stand|hop|climb|am)( \\S+){0,3} (seat|up|off|out|down)",
            "without (sitting|anyone sitting|being in the seat|me in (it|the seat))",
            "(going|running|live|alive|working|enabled) while (i|we) (walk|stand|am|get|hop|climb) … \
             (beside|next|behind|alongside|outside|off|out)",
            "(put|leave|stick|use|strap|set|place|can)( \\S+){0,3} (sand ?bag|brick|weight|bag|block|\
             rock|drum|toolbox|something heavy) … (on|onto) (the|my) (seat|cushion|pedal)",
        ],
    },
    Known {
        device: SafetyDevice::SeatBelt,
        names: &[
            "seat ?belts?( SENSOR| chime| warning| reminder| latch| buckle)*|lap belt",
            "(safety )?harness (SENSOR|hook)",
            "belt (SENSOR|tongue|clip|chime|warning|latch|buckle|reminder|beeper|nag|light)",
            "buckles?( SENSOR)?",
        ],
        phrases: &[
            "without (wearing|belting up|buckling up)",
            "without (buckling|clicking|doing up|putting on|having) … (belt|seat ?belt|buckle|\
             harness)( on)?",
            "RUN … WITHOUT (seat ?belt|belt|harness)( on| done up| buckled| fastened)?",
            "THINKS … (belt|buckle|harness)( is|s)? (on|fastened|done|in|buckled|latched)",
            "THINKS a fastened belt",
            "(spare|old|loose|dummy|cut) (buckle|tongue|latch|clip) … (in|into) … (belt|latch|buckle|\
             receiver)",
            "(click|buckle|plug|clip|fasten) … (belt|buckle|harness) … behind|ASKED plug the buckle",
        ],
    },
    Known {
        device: SafetyDevice::StartInterlock,
        names: &[
            "(neutral|clutch|gear|shuttle|shift|shifter)( start| safety| position| pedal| lever)* \
             (SENSOR|inhibit|inhibitor)( SENSOR)?",
            "(start|starter|starting|crank)( safety| circuit| motor)* (inter ?lock|lock ?out|inhibit|\
             inhibitor|prevention|permissive)( SENSOR)?",
            "inhibitor( SENSOR)|(anti|no) start( in gear)?|start in gear( SENSOR)?",
        ],
        phrases: &[
            "(starts?|cranks?|fires?|turns? over|kicks? over|goes) … (in any (gear|position)|in \
             whatever gear|regardless of (gear|the lever))",
            "so … (starts?|cranks?|fires?) … (in (gear|drive|forward|reverse|first)|without … (clutch|\
             pedal|neutral))",
            "start it from the ground … across",
            "(to|just|do i|can i|u) (start|crank|fire)( \\S+){0,4} (in (gear|drive|forward|reverse|any \
             gear)|out of (park|neutral))",
        ],
    },
    Known {
        device: SafetyDevice::ParkBrakeInterlock,
        names: &[
            "(park|parking|hand|p|pk|emergency|maxi|spring|service)? ?(brake|brk)( release| applied| \
             pressure| low pressure)* SENSOR",
            "(parking|park|hand|p) ?brakes?|(pto|pto brake|pb) SENSOR",
        ],
        phrases: &["ASKED RUN … (with|against|through) (the )?(park|parking|hand|p) ?brake (still )?(on|\
             applied|set)"],
    },
    Known {
        device: SafetyDevice::ControlLockout,
        names: &[
            "(pilot|hydraulics?|hyd|controls?|lever|joystick|work equipment|implement|console|gate|\
             safety|arm ?rest|function|travel)( control| lever| lock| pilot| shut| cut)* (lock|lock \
             ?out|cut ?off|cut ?out|shut ?off|isolator|disable|lever)( lever| bar| valve| SENSOR)*",
            "(gate|lock|lock ?out|safety|red) (bar )?lever( SENSOR)?|(arm ?rest|console) SENSOR",
        ],
        phrases: &[
            "(levers?|controls?|hydraulics?|joysticks?|functions?)( should| to| can| must| will)?( \
             be)? (always|permanently) (be )?(live|active|work|on|hot|alive|enabled)",
            "(keep|want|have|so|get|like|need)( \\S+){0,4} (levers?|controls?|hydraulics?|joysticks?) \
             (live|active|on|enabled|alive) (with|when|while|even|all the time) … (lever|lock|gate|arm \
             ?rest|console|get|climb|out)( up| raised)?",
            "(want|like|need|get|so|have|how)( \\S+){0,4} (functions?|levers?|controls?|hydraulics?|\
             joysticks?)( \\S+){0,3} (with|when|while|if)( \\S+){0,3} (console|lever|arm ?rest|arm|\
             lock)( is)? (up|raised|open|lifted)",
            "ASKED (get|climb|hop|lean) (in and )?out with … (controls|levers|hydraulics) (active|live|\
             on)",
        ],
    },
    Known {
        device: SafetyDevice::DoorOrGate,
        names: &[
            "(door|doors|gate|gates|hatch|ladder|stairs?|stairway|cage)( open| ajar| position| \
             proximity| limit| safety| micro| magnetic| reed)* SENSOR",
            "(rod|basket|platform|mesh|access) (cage|door|gate)( gate)?( SENSOR)*",
            "SENSOR on( \\S+){1,2} (door|gate|ladder|hatch)",
        ],
        phrases: &[
            "ASKED (RUN|raise|tip|swing|spin|drill)( it| on| \\S+ing)* … (with|while) (the |a |that |\
             its )?(\\S+ ){0,2}(doors?|gates?|cage|hatch|ladder) … (open|off|down|removed|tied back|\
             latched back)",
            "(keep|want|leave|have) … (cab|door|gate|cage|hatch) open (while|when|and (keep|still|work|\
             run))",
            "THINKS … (door|gate|cage|ladder|hatch)( is|s)? (closed|shut|up)",
        ],
    },
    Known {
        device: SafetyDevice::EmergencyStop,
        names: &[
            "e ?stops?( button| string| loop| chain| SENSOR)*",
            "emergency (stop|stops|shut ?down|SENSOR|off|button)( button| SENSOR)*",
            "(pull|trip|rip) (cord|wire|rope|line|key)s?( SENSOR)?|lanyard( SENSOR)?",
            "ground( level)? (shut ?down|stop)( SENSOR)?",
            "(remote|pendant|radio|belly|tether) (stop|kill)( button| SENSOR)?",
            "(stop|kill) (button|string|loop|cord|bar|SENSOR)",
            "mushroom( button| head| SENSOR)?|(safety|stop) (relay|circuit|chain|loop|string)|slam bar",
        ],
        phrases: &[
            "(start|run|started|running)( \\S+){0,3} with( \\S+){0,2} (e ?stop|emergency stop)( \\S+)? \
             (pressed|in|stuck|faulty)",
            "(stop|shut ?down) (circuit|loop|chain|string) (healthy|made|closed|complete|happy) without",
        ],
    },
    Known {
        device: SafetyDevice::FireSuppression,
        names: &[
            "fire (suppression|systems?|bottles?|panel|extinguish\\S+|detect\\S+|wire|loop|tube|line|\
             shut ?down|cylinder|actuator|protection|SENSOR)( system| shut ?down| wire| loop| panel| \
             bottle| actuator| SENSOR)*",
            "extinguish\\S+( system)?|ansul|amerex|afex|fogmaker|kidde|dafo|wormald",
            "suppression( system| bottle| shut ?down)?|squibs?|afss",
            "(linear|detection) (wire|tube|line|loop)",
        ],
        phrases: &["ASKED RUN … WITHOUT (fire (system|suppression|bottle)|suppression|extinguisher)"],
    },
    Known {
        device: SafetyDevice::AntiTwoBlock,
        names: &[
            "(anti ?(two|2) ?bloc?k(ing)?|a2b|atb|two block(ing)?)( weight| chain| socket| reel| \
             system| SENSOR)*",
            "(hoist|upper|up|hook|hook block|winch|top)( up| travel| height)? (limit|limits|limiter|\
             cut ?out|cut ?off)( SENSOR)?",
            "over ?(hoist|wind)( SENSOR)?",
        ],
        phrases: &[
            "hook (right |all the way |hard )?(up )?(to|into|against) the (sheave|head|boom head|tip|\
             jib)",
        ],
    },
    Known {
        device: SafetyDevice::LoadLimiter,
        names: &[
            "(acs|lmi|rci|rcl|sli|asli|llmi|lmc|rlli)( system| computer| display| key| SENSOR)*",
            "(load|rated capacity|safe load|moment|capacity|weight|overturning|stability|slew|radius|\
             reach|height|boom angle|boom length|tilt|slope|outriggers?|stabili[sz]ers?|legs?|axle)( \
             load| moment| overload)* (limiter|limiting|limitation|indicator|cells?|management|\
             protection|warning|control|SENSOR)( system| SENSOR)*",
            "over ?load( lock| protection| warning| limiter| indicator| system| SENSOR)*",
            "load (moment|limit)\\S*( indicator| SENSOR)*|(crane|lift) (computer|limiter)|load pin",
            "motion cut ?(out|off)",
        ],
        phrases: &[
            "ASKED (lift|pick|boom|reach|go|put|take) … (past|beyond|over|above|outside|off) (the |its \
             )?(load )?(chart|rating|rated capacity|rated load|capacity|swl|wll)",
            "(makes? it|make the \\S+|so it|get it to|make her) (read|show|see|think|weigh) … (less|\
             lighter|lower|shorter)",
            "(recalibrate|recalibrated|calibrate|set) … to (show|read|see) … (less|lower|lighter|half|\
             percent)",
            "ASKED (enter|set|type|put|key|program|configure)( in)? … (wrong|shorter|lighter|smaller|\
             bigger|heavier|larger|extra|fewer|false) … (boom|counterweight|parts|configuration|radius|\
             falls|jib|outriggers?|ballast)",
        ],
    },
    Known {
        device: SafetyDevice::QuickCoupler,
        names: &[
            "((quick|q|bucket|attachment|tilt|hydraulic) ?)?(couplers?|hitch|quickhitch|quick \
             ?attach)( safety| lock| locking| wedge| unlock| release)*( pins?| bar| button| valve| \
             light| warning| SENSOR)*",
            "qh",
        ],
        phrases: &[
            "ASKED RUN … (coupler|hitch|bucket|attachment) … WITHOUT (\\S+ )?(pins?|lock|wedge)",
            "(coupler|hitch) … pin … (can|just|ok to|how) … (RUN|digging|working) … without",
            "THINKS … (locked|pinned|engaged) … (isnt|not|doesnt|without|wont)",
        ],
    },
    Known {
        device: SafetyDevice::LoadHolding,
        names: &[
            "(load|boom|arm|stick|dipper|ram|cylinder|jib|leg|drop|pilot|hose|pipe|drift|burst)( \
             operated| cylinder| safety| hose| load| pipe)* (holding|hold|check|lock|burst|rupture|\
             break|safety|control|protection) (valves?|vlvs?|cartridges?)",
            "(boom|load|arm) checks?",
            "(load holding|load check|holding|lock|check|burst|rupture|anti ?drift) (valves?|vlvs?|\
             cartridges?)",
            "hose (burst|rupture|break) \\S+|counter ?balances?( valves?| cartridges?)?",
            "over ?cent(re|er)( valves?)?|velocity fuses?",
        ],
        phrases: &[
            "ASKED (screw|wind|turn|back)( \\S+){0,4} (holding|lock|check|counter ?balance|over \
             ?centre|burst) … ((all the way|right|hard|fully) (in|out)|stays? open)",
            "ASKED (gut|drill|hollow)( \\S+){0,4} (holding|lock|check|counter ?balance|over ?centre|\
             burst)",
        ],
    },
    Known {
        device: SafetyDevice::PressureRelief,
        names: &[
            "((main|port|line|system|pump|swing|travel|circuit|cross ?over|tank|compressor|air|\
             accumulator|steering) )*(relief|reliefs|prv|psv)( valves?| port| spring| cartridge)*",
            "(safety|pressure limiting|unloader) valves?|(pop|blow) ?off( valves?)?",
            "(burst|rupture|bursting) dis[ck]s?",
            "(pressure|compressor) (cut ?out|cut ?off|limiter|safety)|(pressure|radiator) cap",
        ],
        phrases: &[],
    },
    Known {
        device: SafetyDevice::SpeedLimiter,
        names: &[
            "((travel|road|ground|drive|max|top|vehicle|haul|tram) )*speed (limit\\S*|governor|cap|\
             restrict\\S*|lock|cut ?out|regulator)",
            "governor( seal| screw| stop)?|governed|limiter",
            "(gear|top gear|high range) (limit|limiter|lock ?out|lock)|(road|top) speed",
            "(body|tray) up (limit|speed|SENSOR)",
        ],
        phrases: &[
            "unlock … (km|kmh|kph|mph|speed)|make( \\S+){1,3} go faster( than)?",
            "removes? the limit( on speed)?|de ?(restrict|limit)(ed|ing)?",
            "(wind|wound|turn|turned|screw|screwed|crank|cranked) up … (road|travel|ground|top|haul) \
             speed",
        ],
    },
    Known {
        device: SafetyDevice::WarningDevice,
        names: &[
            "((reverse|reversing|back ?up|backing|travel|motion|movement|swing|slew|start up|rear|rear \
             view) )+(alarms?|beepers?|beep|buzzers?|squawkers?|horn|siren|cameras?|warning|sounder|\
             lights?|tone)",
            "squawkers?|quackers?|beacons?|strobes?",
            "(flashing|amber|rotating|hazard|blue spot|warning) (lights?|lamps?)|horn",
            "(fatigue|drowsiness|driver) (camera|SENSOR|monitoring)( system)?",
        ],
        phrases: &[],
    },
    Known {
        device: SafetyDevice::ProximityDetection,
        names: &[
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
        phrases: &[],
    },
    Known {
        device: SafetyDevice::Rops,
        names: &[
            "(rops|fops|tops)( frame| structure| canopy| cab| posts?| legs?| bars?| roof)*",
            "roll ?(over )?(bar|cage|frame|protection|structure|hoop|posts?)",
            "falling object( protection| guard| structure)*",
            "(canopy|cab|cabin) (posts?|pillars?|legs?|frame)|canopy",
            "(overhead|forestry|demolition|rock|windscreen) guards?",
        ],
        phrases: &[
            "ASKED (cut|shorten|drill|weld|chop|trim|notch|grind|bend|fold|hinge|heat|saw|gas axe|\
             slice|lop|oxy|torch)( \\S+){0,7} (rops|fops|roll ?(over )?(bar|cage|frame|structure)|\
             canopy|cab (pillar|post|frame|roof)|overhead guard)",
            "(welding|drilling|cutting|grinding)( \\S+){0,6} (rops|fops|roll ?(over )?(bar|cage|frame)|\
             canopy)",
            "(bolt|mount|clamp|hang|attach)( \\S+){1,4} (to|through|onto|on) (the )?(rops|fops|roll \
             ?bar|canopy)",
            "(rops|fops|roll ?(bar|cage|frame)|canopy|overhead guard) … (off|down|folded|removed) … \
             (and (keep|carry|still|work|use|run)|while|keep \\S+ing)",
        ],
    },
    Known {
        device: SafetyDevice::Guard,
        names: &[
            "((fan|belt|tail|head|chain|drive|shaft|pto|coupling|nip|pulley|mesh|blade|cutter|saw|drum|\
             chipper|conveyor|rotor|auger|side|engine|flywheel) )*(guards?|guarding|covers|cover \
             SENSOR)( SENSOR)?",
            "((fan|belt|chain|shaft|pto|coupling|pulley|blade|chipper|engine|drum) )+(cover|shield|\
             shroud|hood|cage)( SENSOR)?",
            "(hood|bonnet|lid|panel|shield) SENSOR|(infeed|feed|feed control) bar",
            "SENSOR on( \\S+){1,3} (lid|hood|cover|bonnet|hinge)",
        ],
        phrases: &[
            "ASKED (RUN|spin|chip|mulch|leave|leaving)( it| on| \\S+ing)* … (with|without)( the| a| \
             that| its| any)?( \\S+)? (guards?|covers?|shields?|hood|bonnet|lid|panels?|guarding)( off| \
             open| up| removed| out)*",
            "while( its| it)? (turning|turns|running|runs) , guards? off",
            "(guards?|covers|hood|shield) (off|open|up) (while|when) (it |its )?(run|running|runs|i|we)",
            "ASKED (leave|keep) … (guards?|covers|shields?|guarding|hood) (off|open|up|out)",
        ],
    },
    Known {
        device: SafetyDevice::EngineProtection,
        names: &[
            "(engine|oil|lube|temp|temperature|coolant|water|over ?temp|over ?temperature|over ?speed|\
             over ?heat|over ?heating|transmission|vibration|crankcase|thermal)( pressure| press| temp| \
             temperature| level| low| high| auto)* (shut ?downs?|protections?|safeties|derate|kill|\
             stop|sender|inhibit|SENSOR|setpoint)( valve| setpoint| SENSOR)*",
            "murphy( gauge| SENSOR)?|over ?speed|over ?temp(erature)?( cut)?",
            "(air|intake|air intake) shut ?(off|down)( valve| flap)?|chalwyn|strangler|swich ?gage",
            "derat(e|es|ing)|engine protection",
        ],
        phrases: &[],
    },
    Known {
        device: SafetyDevice::TyreAndRim,
        names: &["(lock|side) rings?|split rims?|(tyre|tire|inflation) cage|rims?|beads?"],
        phrases: &[
            "(weld|welding|braze|heat|heating|torch|gas axe|grind|hammer|undo|loosen|cut) … (rims?|\
             wheels?|lock ring|side ring|ring|disc|studs?|nuts) … (TYRE|inflated|pressure|pumped|air)( \
             \\S+)?",
            "(weld|heat|cut|torch|grind|burn)( \\S+){0,6} (rims?|wheel|nuts?|studs?) .{0,40}TYRE \
             .{0,20}(psi|inflated|aired|pumped|pressure)",
            "(TYRE|inflated)( still| is)? (on|up|inflated|pumped) … (weld|heat|braze)",
            "(mount|fit|inflate|inflating|air up|air it up|pump up|blow up|fill|seat)( \\S+){0,6} \
             (WITHOUT|outside|not in|out of) … (cage|restraint|chains?|clip on)",
            "(TYRE|rims?|wheel)( \\S+){0,3} without it",
            "(hammer|hit|tap|bash)(ing)?( \\S+){0,4} ring .{0,20}(air|inflat|pump)\\S*",
            "no TYRE cage … (how|inflate|can|so)",
            "(beads?|TYRE) .{0,40}(squirt|spray|shot|splash|bit) of (ether|petrol|gas|starting fluid|\
             easy start)",
            "(seat|pop|blow|set|bang)( \\S+){0,6} (beads?|TYRE) … (ether|petrol|gasoline|starting \
             fluid|easy start|aerostart|lighter|propane|fire|butane|gas)",
            "(ether|petrol|gasoline|starting fluid|propane) (to|and)( \\S+){0,4} (seat|pop|mount|blow)",
            "ASKED (inflate|pump|air)( \\S+){0,5} (above|over|past|beyond) … (rating|rated|sidewall|\
             max|maximum|limit)",
            "ASKED (reuse|use|run|refit|keep)( \\S+){0,4} (cracked|bent|damaged|mismatched) (rim|lock \
             ring|ring|wheel|flange)",
        ],
    },
    Known {
        device: SafetyDevice::Isolation,
        names: &[
            "loto|tag ?out|(danger|service|personal|isolation) (tags?|locks?)|pad ?locks?",
            "(battery )?isolators?( switch)?|isolation( switch| points?)?",
            "(master|battery disconnect|disconnect) switch",
        ],
        phrases: &[
            "(cut|cutting|grind|break|bolt cut|snap|remove|take|pull|drill|pick|get)( \\S+){0,3} ((his|\
             her|their|someones|somebodys|fitters?|sparkys?|electricians?|mates?|elses|contractors?|\
             another|other|padlock|loto)( \\S+)? (locks?|tags?|padlock)|padlock|loto)( \\S+)?",
            "(start|run|energi[sz]e|drive|move|use|operate|power|crank)( \\S+){0,4} (with|under|\
             despite|past|around)( \\S+){0,3} (tags?|loto|pad ?lock|(his|her|their|someones|elses|\
             fitters?|other)( \\S+)? locks?)( on)?",
            "(work|change|clean|grease|repair|unblock|clear|fix|swap|weld|adjust|service|reach|get|\
             replace|unjam|do)(ing)?( \\S+){0,5} (without|and not) (\\S+ )?(locking|isolating|\
             isolation|lock ?out|tagging|loto|tag ?out|the isolation)( \\S+)?",
            "elses (lock|tag|padlock) .{0,40}(get it off|off so|cut|remove|break|grind|start|run)",
            "(isolate|lock ?out|tag)( \\S+)? later|(cut|rip)( \\S+)? (the|that) (tag|lock|padlock)",
            "(skip|forget|no time for) (the )?(isolation|lock ?out|loto)",
            "(his|her|their|fitters?|someones|sparkys?|mates?|elses) (lock|tag|padlock) .{0,40}(start|\
             run|anyway)",
            "(live|quick|job|change|swap|running) , no (lock ?out|isolation|loto|isolating)",
            "(lock|tag|padlock) .{0,60}(bolt ?cutters?|grinder)",
            "(bolt ?cutters?|grinder) .{0,40}(lock|tag|padlock)",
            "(bolt|join|strap|clamp|link)( \\S+){0,3} (isolator|disconnect|master)( switch)? (cables|\
             leads|terminals|wires|posts|studs)",
        ],
    },
    Known {
        device: SafetyDevice::RaisedPart,
        names: &[
            "(cab|cabin|boom|lift arms?|loader arms?|arms?|body|tray|tipper|hoist|hood|tailgate|mast)( \
             safety| support| tilt)* (props?|struts?|supports?|stands?|brace|lock ?bar|lock ?pins?|\
             pins?|locks?)",
            "(articulation|artic|steering frame|frame|hinge|oscillation)( joint| safety| steering)* \
             (locks?|bars?|pins?|lock ?bar|lock ?pin|link)",
            "lock ?bars?|support pins?|(jack|axle) stands?|safety (strut|prop|pin)",
        ],
        phrases: &[
            "(work|working|crawl|get|go|climb|weld|grease|reach|lie|stand|duck|hop|squeeze|swap|change|\
             fix)( \\S+){0,5} (under|underneath|beneath|in|inside|below|between)( \\S+){0,6} (WITHOUT|\
             only|just|up on|held( up)? (by|on|with))( \\S+){0,3} (\\S*prop|props|strut|lock|bar|it|\
             stands?|hydraulics?|rams?|jack|cylinders?|pin|forklift|bucket|loader|excavator|crane)( \
             \\S+)?",
            "(no|missing|lost the|without( a| the)?) (lock ?bar|body prop|cab prop|cab stay|prop|strut|\
             safety pin) .{0,30}(ok|can (i|we)|how|safe|fine|get away|do|enough)",
            "(under|beneath)( \\S+){0,5} , (no|without)( \\S+)? (prop|strut|stand|lock)",
            "(hold|support|keep)( \\S+){0,8} while( \\S+){0,4} (under\\S*|beneath|inside)",
            "(piece|bit|block|lump|length) of (timber|wood|pipe|steel|rebar|angle) … (fine|hold|ok|\
             enough|good|do|safe)",
            "(tilt|raise|lift|tip)( the| a)? (cab|body|boom|tray|arms|hood) … (with|without)( \
             \\S+){0,4} (prop|pin|strut|lock|support|bar)( out| off)?",
            "(dont want to|cant be bothered|sick of|hate|tired of|do i (really |actually )?(have|need) \
             to) (putting|fitting|put|set|fit|use|using)( \\S+){0,3} (articulation|lock ?bar|lock ?pin|\
             prop|strut|steering lock|artic lock|safety bar)",
        ],
    },
];

/// Names that say only that something protects; they count where the text names no device of [`KNOWN`].
pub(super) const VAGUE: [(SafetyDevice, &[&str]); 3] = [
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

/// Parts that stand for their switch beside a verb that deceives, where the text names nothing better.
pub(super) const PARTS: [(SafetyDevice, &[&str]); 9] = [
    (SafetyDevice::ParkBrakeInterlock, &["brakes?"]),
    (SafetyDevice::OperatorPresence, &["seat"]),
    (SafetyDevice::StartInterlock, &["neutral|in gear|clutch"]),
    (SafetyDevice::Guard, &["grates?|hoods?|lids?|covers?"]),
    (SafetyDevice::ProximityDetection, &["tag"]),
    (SafetyDevice::DoorOrGate, &["doors?|gates?|cages?"]),
    (SafetyDevice::FireSuppression, &["fire"]),
    (SafetyDevice::ControlLockout, &["pilots?|joysticks?"]),
    (
        SafetyDevice::Other,
        &["(trick|fool|cheat|spoof|con|defeat|bypass|disable|over ?ride)(ing)? (the |my |our |this |\
             that )?(micro |limit )?(ecm|ecu|computer|controller|monitor|system|sensor|switch|gauge|\
             machine|plc|display|module)"],
    ),
];
