//! Responses as providers send them, in both forms.

use super::*;

const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<aemp:Fleet xmlns:aemp="http://schemas.aemp.org/fleet" version="1" snapshotTime="2026-03-01T12:00:00Z">
  <aemp:Equipment>
    <aemp:EquipmentHeader>
      <aemp:OEMName>Caterpillar</aemp:OEMName><aemp:Model>320</aemp:Model>
      <aemp:EquipmentID>EX-7</aemp:EquipmentID><aemp:SerialNumber>ABC00123</aemp:SerialNumber>
    </aemp:EquipmentHeader>
    <aemp:Location datetime="2026-03-01T11:00:00Z"><aemp:Latitude>1.0</aemp:Latitude></aemp:Location>
    <aemp:FaultCodes>
      <aemp:FaultCode datetime="2026-03-01T10:00:00Z">
        <aemp:CodeIdentifier>SPN 157 FMI 18</aemp:CodeIdentifier>
        <aemp:CodeDescription>Rail &amp; pump: <![CDATA[<low>]]> &#176;</aemp:CodeDescription>
        <aemp:CodeSeverity>High</aemp:CodeSeverity><aemp:CodeSource>Engine ECM</aemp:CodeSource>
      </aemp:FaultCode>
      <aemp:FaultCode datetime="2026-03-01T09:00:00Z"><aemp:CodeIdentifier> E360(2) </aemp:CodeIdentifier></aemp:FaultCode>
      <aemp:FaultCode><aemp:CodeIdentifier/></aemp:FaultCode>
    </aemp:FaultCodes>
  </aemp:Equipment>
  <aemp:Equipment>
    <aemp:FaultCode><aemp:CodeIdentifier>P0087</aemp:CodeIdentifier></aemp:FaultCode>
    <aemp:EquipmentHeader><aemp:Model>A40</aemp:Model></aemp:EquipmentHeader>
  </aemp:Equipment>
  <aemp:Equipment><aemp:FaultCode><aemp:CodeIdentifier>P0088</aemp:CodeIdentifier></aemp:FaultCode></aemp:Equipment>
</aemp:Fleet>"#;

const JSON: &str = r#"{"version": 1, "links": [{"rel": "self", "href": "x"}], "equipment": [
 {"equipmentHeader": {"oemName": "Caterpillar", "model": 320, "equipmentId": "EX-7", "serialNumber": "ABC00123"},
  "location": {"datetime": "2026-03-01T11:00:00Z", "latitude": 1.0},
  "faultCodes": [
   {"datetime": "2026-03-01T10:00:00Z", "codeIdentifier": "SPN 157 FMI 18", "codeDescription": "Rail & pump: <low> °",
    "codeSeverity": "High", "codeSource": "Engine ECM", "active": true},
   {"@datetime": "2026-03-01T09:00:00Z", "CodeIdentifier": " E360(2) "},
   {"code_identifier": ""}]},
 {"faultCodes": {"faultCode": [{"codeIdentifier": "P0087"}]}, "equipmentHeader": {"model": "A40", "oemName": null}},
 {"faultCodes": [{"codeIdentifier": "P0088"}]}
]}"#;

/// Machine, code, description, severity, source, seconds.
type Seen = (Option<String>, String, Option<String>, Option<String>, Option<String>, Option<f64>);

fn collect<T>(read: impl FnOnce(&mut dyn FnMut(TelematicsFault)) -> T) -> (T, Vec<Seen>) {
    let mut seen = Vec::new();
    let result = read(&mut |fault: TelematicsFault| {
        let TelematicsFault { machine, fault, description, severity, source, time_s, .. } = fault;
        seen.push((machine.name(), fault.to_string(), description, severity, source, time_s));
    });
    (result, seen)
}

#[test]
fn both_forms_hold_the_same_faults() {
    let (summary, from_xml) = collect(|take| read_xml(XML.as_bytes(), take).unwrap());
    let (json_summary, from_json) = collect(|take| read_json(JSON.as_bytes(), take).unwrap());
    assert_eq!(from_xml, from_json);
    assert_eq!(summary, json_summary);
    assert_eq!((summary.machines, summary.faults, summary.without_code), (2, 4, 1));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        from_xml,
        [
            (
                text("Caterpillar 320"),
                "SPN 157 FMI 18".to_owned(),
                text("Rail & pump: <low> °"),
                text("High"),
                text("Engine ECM"),
                Some(1_772_359_200.0),
            ),
            (text("Caterpillar 320"), "E360(2)".to_owned(), None, None, None, Some(1_772_355_600.0)),
            (text("A40"), "P0087".to_owned(), None, None, None, None),
            (None, "P0088".to_owned(), None, None, None, None),
        ]
    );
}

#[test]
fn a_time_series_of_one_machine_belongs_to_it() {
    let text = r#"{"equipmentHeader": {"model": "WA500"}, "faults": [{"codeIdentifier": "CA559"}]}"#;
    let (_, seen) = collect(|take| read_json(text.as_bytes(), take).unwrap());
    assert_eq!((seen[0].0.as_deref(), seen[0].1.as_str()), (Some("WA500"), "CA559"));
}

#[test]
fn broken_responses_name_the_line() {
    for (text, line) in
        [("<a>\n<b>\n</a>", 3), ("<a>\n", 2), ("<a>\n&nonsense;</a>", 2), ("<a>\n<b x=1/></a>", 2)]
    {
        let error = read_xml(text.as_bytes(), |_| ()).unwrap_err();
        assert!(
            matches!(error, TelematicsError::Syntax { line: found, .. } if found == line),
            "{text:?}: {error}"
        );
    }
    let deep = "<a>".repeat(5000);
    assert!(read_xml(deep.as_bytes(), |_| ()).unwrap_err().to_string().contains("inside each other"));
    for (text, line) in [("{\n\"a\": }", 2), ("[", 1), ("{} x", 1)] {
        let error = read_json(text.as_bytes(), |_| ()).unwrap_err();
        assert!(
            matches!(error, TelematicsError::Syntax { line: found, .. } if found == line),
            "{text:?}: {error}"
        );
    }
    assert!(read_json("[".repeat(5000).as_bytes(), |_| ()).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[<>/&;a\"'= \\[\\]{}:,!\\-?1é\n]{0,80}") {
        let _ = read_xml(text.as_bytes(), |_| ());
        let _ = read_json(text.as_bytes(), |_| ());
    }
}
