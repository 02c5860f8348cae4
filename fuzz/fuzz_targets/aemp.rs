//! A telematics response in XML and in JSON.

#![no_main]

use gearhead_data::telematics::{read_json, read_xml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for read in [|bytes, take: &mut dyn FnMut(_)| read_xml(bytes, take), |bytes, take: &mut dyn FnMut(_)| read_json(bytes, take)] {
        let mut taken = 0;
        if let Ok(summary) = read(bytes, &mut |_| taken += 1) {
            assert_eq!(taken, summary.faults);
        }
    }
});
