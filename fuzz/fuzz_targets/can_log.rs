//! A log of any form, to the list of its codes and the words made from them.

#![no_main]

use gearhead_data::{
    code::{CodeTable, FaultCode},
    fault_log::{FaultLog, complaint},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(log) = FaultLog::from_reader("log", bytes) else { return };
    let codes = log.decode(CodeTable::builtin());
    assert_eq!(complaint(&codes).is_some(), !codes.is_empty());
    let _ = (log.notes(), log.why_empty());
    for (spelling, code) in log.error_codes().iter().zip(&log.codes) {
        assert_eq!(FaultCode::parse(spelling).code, code.fault.code);
    }
});
