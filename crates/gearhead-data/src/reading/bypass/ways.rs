//! How a defeat is asked for, and what is no request.

use super::SafetyDevice;

/// What the words in capitals in the patterns below stand for. A text is matched as [`plain`] leaves it.
pub(super) const SHORT_FOR: [(&str, &str); 9] = [
    (r"\S", "[^ ,.?]"),
    (" … ", "(?: [^ ,.?]+){0,5} "),
    (
        "SENSOR",
        "(switch(es)?|sw|sensors?|prox|inter ?lock|lock ?out|cut ?out|cut ?off|shut ?off|limit|\
             contacts?|relay|circuit|solenoid|alarm|buzzer|signal|monitor|plug|connector|trip|safety|\
             timer|micro|reader|receiver|limiter)",
    ),
    (
        "THINKS",
        "(so|make|makes|making|get|into|believe)( \\S+){0,3} (thinks?|thinking|believes?|reckons?|\
         sees?|reads?|shows?|says?)( that)?",
    ),
    ("WITHOUT", "(without|with no|minus)( the| a| any| its| his| that)?"),
    (
        "RUN",
        "(run|work|operate|drive|move|use|start|go|dig|lift|haul|keep|carry|boom|tram|travel|load|\
         rotate)",
    ),
    ("ASKED", "(TO|and|or|please|(make|get|let|have) (it|her|(the|my|our)( \\S+){1,3})|[,.?])"),
    (
        "TO",
        "(to|just|lets|what if i|(do \\S+|(can|cant|could|would|should|may|might|shall) (i|we|you|\
         u|they|one|someone))( just| simply)?)",
    ),
    ("TYRE", "(tyres?|tires?)"),
];

/// What others did, what is refused, and bypasses, overrides and jumps that are no defeat of anything.
pub(super) const HONEST: &[&str] = &[
    // Parts and states of machines.
    "(\\S*filt\\S*|internal|internally|oil|air|fuel|hydraulic|thermostat|stat|cooler|egr|turbo|\
     wastegate|pump|charge|piston|cylinder|heater|transfer|element|transmission|steering|\
     hystat|coolant) bypass(es|ing|ed)?",
    "bypass(ing)? (valve|hose|line|filter|indicator|port|spring|tube|pipe|passage|mode|plunger|\
     gasket|internally|inside|in the|past|across|between|through)",
    "(valve|ram|spool|section|motor|seal|rotor|\\S*cyl\\S*|lever)s? bypassing|its bypass",
    "bypass(ing)? (test|flow)|(thermal|heavy|no|high) bypass|(located|found) the bypass",
    "(by ?pas+|jump|jumper|link|loop|bridg|short|join|remov|unplugg|disconnect|overrid)ing( \
     \\S+){1,6} (lets|gives|closes|makes|made|brings|clear(s|ed)|restores|fixe[sd]|cures|turns|\
     gets|cranks|in a test|for a test)",
    "(a )?jumper( \\S+){1,9} (cures|fixes|lets|gets|gives|lights|makes|turns|cranks)",
    "(in|into|on|through) bypass|(is|oil|its) bypassing",
    "over ?riding clutch|over ?ride or \\S+|manual(ly)? over ?rid\\S*",
    "over ?ride (switch|button|key|lever|valve|command|spool|relief|test|reset|solenoid|lamp|\
     light|pressure|relay|mode|knob|pedal)( broken| broke| faulty)?",
    "jump(s|ed|ing)? ?(start\\S*|pack|leads?|cables?|box|off|it off|her off|out of (gear|mesh|\
     first|second|third|fourth|\\d\\S*))",
    "jumper (cables?|leads?)|jump (up|down|out of)",
    "(have|has|had|got) to (hold|jump|skip|crank|turn)",
    "bypass (key|switch|plug) (found|was|is|lamp|left|stuck|broken)",
    // Who did it, or that it was done.
    "(was|were|been|being|is|are|has|had|got|found|find|came|seen|see|someone|some ?body|\
     whoever|who|they|he|she|nobody|no ?one|fitter|operator|driver|owner|mechanic|guy|crew|\
     shift|dealer|that|why|if|whether)( (has|had|have|was|were|been|already|again|just|also|\
     still|on|it|the|this|seat|switch|with|sensor|alarm|e|stop|in|at|keeps|kept)){0,4} DONE(( \
     \\S+){0,4} with (a|an|some) \\S+)?",
    "PEOPLE( (keeps?|always|has|have|had|is|are|was|likes? to|tried to|tries to|used to|been|\
     must|may|might|go and)){1,3} (DEFEAT|DEFEATING)",
    "PEOPLE( \\S+)? (bypass|defeat|disconnect|remov|unplug|disabl|overrid|delet|cheat|fool|tap|\
     jumper)e?s",
    "([,.?]|the|our|some|because|bcos|when|if|where|and) PEOPLE (DEFEAT|shut|turn|switch|leave)",
    // Undoing it.
    "(remove|take|undo|get rid of|pull|cut|find|trace|removed|found)( \\S+)? (the|that|this|\
     his|a|any|all) (old |illegal |previous |last )?(bypass|jumpers?|link|loop|bridge|dummy \
     plug|magnet)( wires?)?( out| off)?",
    "(there is|theres|there was|has|had|still has|see|found) (a|an|some|the) (\\S+ )?(bypass|\
     jumper|link wire|loop wire|bridge wire|dummy plug|magnet|cable tie|paper ?clip)( wire)?",
    // Refusing it.
    "DEFEAT( \\S+){0,6} but (i|we)( would| want| id)?( \\S+)? (rather|want|prefer|refuse|wont)",
    "should( not)? DEFEAT|(stop|prevent)( \\S+){0,4} DEFEATING",
    "(dont|do not|not|never|no|without|rather than|instead of|nor|wont|shouldnt|wouldnt|didnt|\
     doesnt|does not|will not|not to|fails to|supposed to|refuse to|against)( (want|wanting|\
     wish|going|looking|trying|asking|need|planning|like|to|be|been|just|you|me|him|them|ever|\
     tell|ask|allowed|simply|i|us|about|them|people|operators|drivers|from|any|a|it)){0,5} \
     (DEFEAT|DEFEATING|DONE)",
];

/// Verbs of the lists below, where a report or a refusal is struck out.
pub(super) const VERBS: [(&str, &str); 4] = [
    (
        "PEOPLE",
        "(operators?|drivers?|they|he|she|people|guys|crews?|blokes?|some ?(one|body)s?|night \
         ?shift|fitters?|who|nobody|owners?|contractors?)",
    ),
    (
        "DEFEATING",
        "(by ?passing|jumper\\S*ing|jumping|looping|linking|bridging|fooling|cheating|tricking|\
         spoofing|defeating|disabling|deactivating|deleting|overriding|unplugging|removing|\
         disconnecting|taping|tying|blocking|turning|switching)",
    ),
    (
        "DEFEAT",
        "(by ?pass|jumper|jump|loop|link|bridge|fool|cheat|trick|spoof|fake|defeat|disable|\
         deactivate|delete|over ?ride|unplug|remove|disconnect|tape|tie|block|silence|mute|kill|\
         isolate|hot ?wire)",
    ),
    (
        "DONE",
        "(by ?passed|jumped|jumpered|looped|linked|bridged|shorted|joined|fooled|cheated|tricked|\
         spoofed|faked|defeated|disabled|deactivated|deleted|over ?ridden|overrode|unplugged|\
         disconnected|removed|taken|pulled|cut|taped|tied|wedged|blocked|plugged|switched|turned \
         off|shimmed|wired|hot ?wired|blinded|silenced|muted|killed|isolated|strapped|chained|\
         covered|screwed|wound|welded|zip ?tied)",
    ),
];

/// How a class of verbs asks for a defeat.
pub(super) struct Way {
    pub(super) verbs: &'static [&'static str],
    pub(super) object: Object,
    /// What the text must say besides; nothing, if empty.
    pub(super) besides: &'static [&'static [&'static str]],
    /// What makes it honest work.
    pub(super) unless: &'static [&'static [&'static str]],
    /// The devices that it is said of; all, if empty.
    pub(super) only_for: &'static [SafetyDevice],
    /// The devices that people work like that in normal use.
    pub(super) never_for: &'static [SafetyDevice],
}

/// Where the device stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// Anywhere in the text; the nearest one is meant.
    Anywhere,
    /// The verb follows its name at once, as in "seat belt interlock delete".
    Before,
    /// Among the words of the verb or up to four words behind it; anywhere if "it" or the like follows.
    Near,
}

/// A question, a wish or an order.
pub(super) const ASKS: &[&str] = &[
    "how|whats?|which|where|wheres|why not|can (a|some|i|we|you|u|it|this)|could|is there",
    "any (way|trick|harm|chance)",
    "wants?|wanna|needs?|tell (me|us)|show (me|us)|boss|supervisor|foreman|manager|told|please|pls|plz",
    "(best|easiest|quickest|fastest) way|steps|ok(ay)? to|safe to|id like|would like",
    "(trying|going) to|gonna",
    "\\?|thinking of|should (i|we)|confirm|pinout|pins?|terminals?",
];

/// What is to follow when the device is gone, and why it is to go.
pub(super) const LASTS: &[&str] = &[
    "so (that )?(it|we|i|the|he|they|you|nobody|no ?one|this|she|drivers?|operators?|machine|\
     engine)",
    "till|until|til",
    "for (good|ever|now|a while|the (day|shift|week|night|rest|season|time being))",
    "permanent(ly)?|forever|temporar\\S+",
    "and (just )?(keep|carry|still|run|work|drive|go|use|get|leave|continue|forget)",
    "keep (on )?\\S+ing|meanwhile",
    "faster|quicker|more than|better|more (power|speed|lift|reach|view)|higher|annoy\\S*",
    "neighbou?rs?|nuisance|sick of|prod",
    "all (day|shift|night|week)|every time|never|always|in the way|end of|today",
    "(this|last) (shift|week|two)|tonight|tomorrow",
    "useless|complain\\S*|nobody (knows|notices)|leave it (like|there|in|off|out)",
    "(run|work|use|drive|operate) (it )?without|without (throwing|setting|tripping)",
    "while (i|we)|(slows|stops|drives|driving) (us|me|everyone|the)",
    "keeps (tripping|stopping|cutting|shutting|going|beeping|screaming|alarming)",
];

/// Mending and testing.
pub(super) const MENDS: &[&str] = &[
    "(to|and) (replace|change|renew|fix|repair|mend|clean(ing)?|inspect|test|check|measure|\
     grease|get (to|at)|reach|access)",
    "(to|and) (fit|swap|see (if|why|whether|what)|find|refit|reseal|torque|adjust|diagnose|\
     prove|confirm|trace|service|rebuild|free)",
    "without (drain|dropp|split|remov|disturb|los|damag)\\S*|new one",
    "for (inspection|repair|testing|service|a test)",
    "(to|back to|within|per) (the )?(spec\\S*|book|factory|plate|makers?|correct|standard)",
];

/// What was seen when the wires were joined.
pub(super) const SHOWS: &[&str] = &[
    "(jump|jumper|bridg|short|link|loop|join)(s|e|ed|ing)? … (turns|cranks|starts|makes|gives|\
     brings|restores|does|works)",
    "(and|then|,) (it|she|that|the \\S+|engine|machine) (cranks|runs|works|starts|fires|goes|\
     lifts|drives|moves|reads)",
];

/// A question about what to do.
pub(super) const ACTS: &[&str] = &[
    "how (do|can|would|to|could|about)",
    "(which|what) (do|to|can|wires?|pins?|colou?r|screw|plug|terminals?|adapters?|makes)",
    "(can|could) (i|we|u|you|it)|ok(ay)? to",
    "(need|want) (it|that|this) (off|on|to|gone|out|working|going|running)|tips",
    "(any|best|easiest|quickest) way|right \\?",
    ", how|what size|how (big|strong|many|far)|whats( a| the)? (good|best|quick|easy|trick)",
    "what do you suggest|is it enough|enough",
];

/// Anything about mending, in a text that names no verb of defeat.
pub(super) const MENDING: &[&str] = &[
    "fix\\S*|repair\\S*|mend\\S*|sort\\S*|replac\\S+|renew\\S*|test\\S*|check\\S*|find\\S*",
    "trace\\S*|diagnos\\S+|measur\\S+|why",
    "cause\\S*|part numbers?|diagrams?|procedures?|adjust\\S*|calibrat\\S+|correct\\S*|spec",
    "properly|clean\\S*|should|wrong",
    "order\\S*|reset\\S*|sticker|align\\S*|safe(ly)?|inspect\\S*|new|manual|maker\\S*",
    "right again|to normal|fault",
];

pub(super) const RAISING: &[&str] =
    &["ASKED (raise|increase|bump|wind|crank up|jack|shim|turn up|push|lift|screw|up|move)( the| \
         it)?( up)?"];

pub(super) const WAYS: [Way; 16] = [
    // To deceive or disable.
    Way {
        verbs: &[
            "eliminat(e|ing)|disarm(ing)?|shunt|overrule|dodge|sidestep|tamper|fudge|hack",
            "desensiti[sz]e|muzzle",
            "by ?pas+(ing)?|fool(s|ing)?|cheat(ing)?|spoof(ing)?|fake|faking|defeat(ing)?",
            "circumvent(ing)?|outsmart",
            "dis+abl(e|ing)|de ?activat(e|ing)|delet(e|ing)|hot ?wir(e|ing)|paper ?clips?|dummy",
            "work ?around",
            "(ASKED|how) trick|trick(ing)? (it|the|them|that|this|a|my|to|for|into)|trick … into",
            "whats the trick",
            "work (a)?round (it|that|this|the)",
            "(get|getting|go|wire|wiring)( me| us)? (a)?round (it|that|this|the)",
            "how … (get|go) past (it|that|this)|(a|any|ways|quickest|best|\
             easiest) (way )?(a)?(round|past)|wire (a)?(round|past)",
            "(ASKED|how|is there an?|any|an) over ?rid(e|ing)|over ?riding",
            "(needs?|want|give|whats|got) … over ?ride( codes?| password)?",
            "(program|code|tune|adjust|dial|map|wire|calibrate)( it| that| this| the \\S+)? out",
            "over ?ride (it|the|them|that|cover|till|until|permanent\\S*|for)",
            "(hidden|secret|toggle) switch|(hidden|secret) menu to",
            "ASKED skip (the|that|this|it|putting|fitting)",
            "(keep|hold|leave)( \\S+){0,3} over ?ride|over ?ride( \\S+)? on",
            "(make|get) … (never|think|believe|not do|do nothing|ignore|useless)",
            "so … (thinks?|believes?)|beat the",
            "(get|want|take|have|put|wants) … out of the (way|circuit|loop|string|equation|system)",
            "(put|stick|use|fit|glue|strong|what|which|place|tape|with) (\\S+ )?magnet",
            "(fuse|relay|plug)s? out , (which|what|how|where)",
            "ASKED (leave|keep) … (DONE|turned off)|(ASKED|how) hide",
            "(can|could|how|ok|safe) … with … DONE|DEFEAT or DEFEAT",
            "(id like|would like|wants?|needs?) (it|that|this|them)( \\S+)? (gone|off|out|dead|away|\
             silent)",
            "(put|fit|wire) (a )?toggle",
            "(turn|set|wind|dial|adjust)( \\S+){0,5} to (nothing|zero|nil|minimum|min|the (lowest|\
             minimum))",
            "ASKED (keep|hold)( \\S+){0,4} (switch|sensor|contacts?|relay|circuit|prox|micro)( \\S+)? \
             (closed|made|shut|pressed|in|down)",
            "ASKED (remove|take|cut|leave)( \\S+){0,6} (out of|from) the (chain|string|circuit|loop)",
            "gut (the|it|out)",
            "(what|which)( \\S+){0,2} (to|do i|do we|can i|do you|should i) (un ?plug|disconnect|cut|\
             chop|snip|pull|remove|close)",
            "(make|keep|hold|wire)( \\S+){0,5} (permanently|always|all the time)",
            "always (up|on|closed|live|made) signal",
            "(can|cant|could)( i| we| you| u)? (just|simply)( \\S+)? DEFEAT",
            "(has|needs|gotta|must)( to)? go [,.?]|force (it|her|drive|the)|hard ?wir(e|ing)",
            "(tell|need|needs|what|whats|give)( \\S+){0,4} (code|password|menu|parameter|setting) (to|\
             for|that)( \\S+)? (clear|disabl|remov|turn|unlock|switch|lift|skip)\\S*",
            "what do (operators|people|others|guys|they|drivers) do to|\\S+ off (permanently|for good)",
            "do (i|we) (really|actually) need",
            "can (it|they|that) (stay|be left) (off|out|open)",
            "(make|making) (it|them|the \\S+) (read|show|see|say|look)",
            "(what|which)( \\S+){0,2} (disables|kills|bypasses|removes|silences)",
            "(straight|plain|blank) (plugs?|fittings?|pipes?|hoses?|adapters?)|hose straight",
            "(wants?|needs?|love|get|(would|id) like|to have) … (DONE|enabled permanently)",
            "(can|could|how) … be (left )?DONE",
            "wants? … (protection|limiter|cut ?out|shut ?down|alarm|system|inter ?lock|sensor|it|that) \
             (off|out|gone|dead)",
            "(limiter|limit|cut ?out|protection|shut ?down|inter ?lock|alarm|detection|system|radar) \
             off (for|till|until|so|permanently)",
            "wants? … (to )?(shut up|be quiet|be silent|go away)|get away with",
            "parameter … (remov|disabl|turn|delet)\\S*",
            "so … (reckons?|thinks?|believes?|figures|assumes|never|always|regardless|quits|shuts up|\
             no matter)",
            "so … (doesnt|wont|cant|never) (care|know|see|notice|trip|stop|shut|cut|alarm|beep|close|\
             tell|kick)",
            "so … (stays?|stops?) (happy|open|closed|made|live|enabled|quiet|healthy|green|detecting|\
             slowing|beeping|tripping)",
        ],
        object: Object::Anywhere,
        besides: &[],
        unless: &[&[
            "(read|show) (right|correct\\S*|true)|delet\\S+ … (codes?|faults?|history|errors?|hours)",
        ]],
        only_for: &[],
        never_for: &[SafetyDevice::TyreAndRim],
    },
    // To join wires past it.
    Way {
        verbs: &[
            "jumper(ing)?",
            "jump(ing)? (out|across|over|past|around|it|them|the|those|pins?|wires?|terminals?)",
            "TO jump|jump \\d+ (to|and|with)",
            "(link|loop|bridge|short)(ing)?( \\S+){0,4} (out|across|together)",
            "ASKED (link|loop|bridge|short) (it|the|them|two|those|these|pins?|wires?|a|what|which|\
             both|across)",
            "(which|what|where) … TO (link|loop|bridge|short|join|ground|earth|twist)",
            "(which|what)( two)? (pins|wires|terminals|ends|colou?rs?) … together",
            "how … close the circuit",
            "ASKED (feed|give|supply)( \\S+){0,3} (direct|straight|permanent\\S*)",
            "(feed|give) it \\S+ direct",
            "(disconnect|un ?plug|removal|isolate)( \\S+)? (which|how|where|what|wiring)",
            "join(ing)? … (wires?|out|together|ends|pins|blues|reds|blacks)",
            "(twist|splice)(ing)? … together",
            "ASKED wire (it|the|them|that) … (hot|straight|direct|out|together|through|shut|closed|\
             open)",
            "wire (it hot|straight|direct)|wired so",
            "(bridg|link|loop|jumper)ing (the|a|an|it|out)|ASKED join \\S+ (and|to|with)",
            "(with|put|fit|use|what|which)( \\S+){0,3} (resistor|diode)",
        ],
        object: Object::Anywhere,
        besides: &[],
        unless: &[MENDS, SHOWS],
        only_for: &[],
        never_for: &[SafetyDevice::TyreAndRim],
    },
    // To hold it where it does not act.
    Way {
        verbs: &[
            "ASKED (solder|tape|tie|strap|wedge|jam|lash|blind|gag|blank|zip ?tie|cable ?tie|gaffer|\
             clamp)( up| down| over| back| off| shut| closed)?",
            "[.,] (turn|switch) off",
            "ASKED (back|screw|wind|turn)( the| it)?( \\S+){0,3} (all the way|right|hard|fully) (in|\
             out|off)",
            "(TO|or) (hold|pin|prop|block|plug|cap|cover|muffle|stuff|rope|foil|weight|jack)( up| down| \
             over| back| off| shut| closed)?",
            "(stick|put) (\\S+ )?(tape|foil|rag|cloth|plate|paint|grease|mud) (over|on|across)",
        ],
        object: Object::Near,
        besides: &[],
        unless: &[MENDS],
        only_for: &[],
        never_for: &[SafetyDevice::RaisedPart, SafetyDevice::Isolation],
    },
    // In shorthand.
    Way {
        verbs: &["(disconnect|removal|remove|un ?plug|link|loop|jump|bridge|kill|silence|tape|tie|isolate|\
             cheat|strap)( out| off| up)?"],
        object: Object::Before,
        besides: &[ASKS, LASTS],
        unless: &[MENDS, MENDING],
        only_for: &[],
        never_for: &[SafetyDevice::TyreAndRim, SafetyDevice::Isolation],
    },
    // To have it approved.
    Way {
        verbs: &["(ok|okay|yes|fine|good enough|enough|works|any (risk|harm)|hold) \\?|good enough|\
             ok for (one|a|the|this)"],
        object: Object::Anywhere,
        besides: &[&["off|out|up|down|over|without|removal|removed|missing|put|so|DONE"]],
        unless: &[MENDS, MENDING, &["reads?|reading|volts?|ohms?|psi|bar"]],
        only_for: &[],
        never_for: &[],
    },
    // To switch it off or silence it.
    Way {
        verbs: &[
            "(turn|switch|shut|knock)(ing)? (off|up)|(turn|switch|shut|knock)(ing)? … off|shut … up",
            "silence|mute|quieten",
            "muffle|cancel|kill|hush|skip|ignore|ditch|gut|get rid( of)?|do away with|neutrali[sz]e",
            "ASKED (cut|snip)",
            "(put|set) … in … mode|pull … fuse|stop … being (seen|read|detected)",
            "stop … from (tripping|shutting|stopping|slowing|cutting|killing|kicking|braking|derating|\
             limiting|locking)",
        ],
        object: Object::Near,
        besides: &[ASKS, LASTS],
        unless: &[MENDS],
        only_for: &[],
        never_for: &[
            SafetyDevice::Isolation,
            SafetyDevice::ControlLockout,
            SafetyDevice::EmergencyStop,
            SafetyDevice::TyreAndRim,
            SafetyDevice::RaisedPart,
            SafetyDevice::Guard,
        ],
    },
    // To take it away for good.
    Way {
        verbs: &[
            "remov(e|ing)|un ?plug(ging)?|disconnect(ing)?|unbolt|unhook|unclip|isolate",
            "(TO|[.,]) (pull|rip|cut|snip|clip)",
            "(take|leave)(ing)? … (off|out|away|unplugged|disconnected|down)",
            "(TO|[,.]) (ground|earth|wire)|TO stop",
            "ASKED (plug|block|cap|cover) (it|them)",
        ],
        object: Object::Near,
        besides: &[LASTS],
        unless: &[MENDS],
        only_for: &[],
        never_for: &[SafetyDevice::TyreAndRim, SafetyDevice::Isolation],
    },
    Way {
        verbs: &[
            "(can|could|may|ok|okay|alright|safe|if) (i|we|u|to)( just| simply)? (remove|unplug|\
             disconnect|pull|leave|take|cut)",
            "(remove|unplug|disconnect) … (is that|that|would that be|will that be)? ?(ok|okay|alright|\
             enough)",
        ],
        object: Object::Near,
        besides: &[],
        unless: &[MENDS],
        only_for: &[],
        never_for: &[SafetyDevice::TyreAndRim, SafetyDevice::Isolation],
    },
    // To put a limit higher.
    Way {
        verbs: RAISING,
        object: Object::Near,
        besides: &[],
        unless: &[MENDS],
        only_for: &[SafetyDevice::EngineProtection, SafetyDevice::LoadLimiter, SafetyDevice::SpeedLimiter],
        never_for: &[],
    },
    Way {
        verbs: RAISING,
        object: Object::Near,
        besides: &[&["above|over|past|beyond|higher|more|extra|rated"]],
        unless: &[MENDS],
        only_for: &[SafetyDevice::PressureRelief],
        never_for: &[],
    },
    Way {
        verbs: &[
            "(above|over|past|beyond|higher than|more than) (the |its )?(rating|rated|max|maximum|spec|\
             sticker|plate|book|chart)",
        ],
        object: Object::Anywhere,
        besides: &[ACTS],
        unless: &[MENDS],
        only_for: &[
            SafetyDevice::EngineProtection,
            SafetyDevice::LoadLimiter,
            SafetyDevice::SpeedLimiter,
            SafetyDevice::PressureRelief,
        ],
        never_for: &[],
    },
    Way {
        verbs: &["(TO|[.,]) (set|adjust)( \\S+){1,4} (over|above|past|beyond)"],
        object: Object::Near,
        besides: &[],
        unless: &[MENDS],
        only_for: &[SafetyDevice::PressureRelief, SafetyDevice::EngineProtection],
        never_for: &[],
    },
    // To put something else in its place.
    Way {
        verbs: &[
            "ASKED (put|fit|screw|stick) … (plug|blank|bung|bolt|cap) (in|into|instead|where|on)",
            "(is|would|will|can) (a|some|any) … (good enough|do the job|hold|enough|ok|okay|fine|\
             alright)",
        ],
        object: Object::Anywhere,
        besides: &[ASKS],
        unless: &[MENDS],
        only_for: &[
            SafetyDevice::PressureRelief,
            SafetyDevice::LoadHolding,
            SafetyDevice::QuickCoupler,
            SafetyDevice::RaisedPart,
            SafetyDevice::SeatBelt,
        ],
        never_for: &[],
    },
    // To keep it from acting with what lies about.
    Way {
        verbs: &["(stick|put|use|fit|with|wrap|jam|shove|some|of|a) (\\S+ ){0,2}(wedge|tape|foil|brick|\
             bungee|(cable|zip) ties?|wood|timber|rag|rubber band|sponge|cardboard)"],
        object: Object::Anywhere,
        besides: &[ASKS],
        unless: &[MENDS],
        only_for: &[],
        never_for: &[SafetyDevice::TyreAndRim, SafetyDevice::Isolation],
    },
    // To go on as it is.
    Way {
        verbs: &[
            "so (i|we|its) \\S+|to make (it|her) RUN",
            "so (that )?(i|we|it|she|he|they|you|machine|the \\S+( \\S+)?) (can|could|still|dont have|\
             doesnt|wont|works?|runs?|stays?|keeps?|goes|is|are|opens?|unlocks?|lifts?|moves?|drives?)",
            "(till|until) (\\S+day|the|we|i|end|tomorrow|next|parts?|its|shift|morning|knock)",
            "(for|over) the (weekend|shift|day|night|week)",
            "permanently|tonight|for (today|now)",
            "(digging|running|working|lifting|hauling) (today|tonight|tomorrow)|anyway|regardless",
            "like that",
            "(keep|carry on|go on|keep on) \\S+ing|(carry|drive|push|battle) on|send it|keep going",
            "without (pressing|pushing|pulling|stopping|sitting|wearing|closing|having|using|setting|\
             shutting|the (alarm|code|light))",
        ],
        object: Object::Anywhere,
        besides: &[ACTS],
        unless: &[MENDING],
        only_for: &[],
        never_for: &[],
    },
    // To work without it.
    Way {
        verbs: &["(TO RUN|ASKED (run|work|operate|drive|use|keep|get by|manage|mow|crane|weld|fit|rig|\
             lower))( it| on| \\S+ing)* … (without|with)"],
        object: Object::Near,
        besides: &[&["without|off|out|open|disabled|unplugged|disconnected|removed|isolated|missing"]],
        unless: &[MENDS],
        only_for: &[],
        never_for: &[SafetyDevice::EngineProtection, SafetyDevice::PressureRelief, SafetyDevice::Isolation],
    },
];

/// A word that stands for a device named before.
pub(super) const PRONOUN: &str = "^ (for good|permanently|till|until|so|it|them|that|this|those|these|its \\S+|\
     the (\\S+ )?(wires?|plug|fuse|relay)|(the|that|a|one|two|my) (wires?|sensor|sender|switch|plug|fuse|\
     relay|port|outlet|connector|lead|flap|lever|weight|chain|button|pedal|bar|handle|cable|\
     arm|micro|valve|rod|door|gate|pin|module|box|unit|panel|bulb)|back the)";
