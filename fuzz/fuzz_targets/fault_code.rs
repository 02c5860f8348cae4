//! Parse, print, parse: the identity, for one code and for lists.

#![no_main]

use gearhead_data::code::{CodeTable, FaultCode, parse_list};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for fault in parse_list(text).into_iter().chain([FaultCode::parse(text)]) {
        assert_eq!(FaultCode::parse(&fault.to_string()).code, fault.code);
        assert_eq!(FaultCode::parse(&fault.original).code, fault.code);
        let decoded = CodeTable::builtin().decode(&fault);
        assert_eq!(decoded.known, decoded.meaning.is_some());
    }
});
