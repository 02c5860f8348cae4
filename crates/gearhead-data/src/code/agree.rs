//! When two codes can be about one fault.

use super::{Code, J1587Kind};

impl Code {
    /// Whether one code says what the other says, or leaves part of it out: the failure mode or type, the module, the
    /// warning level. `SPN 157` agrees with `SPN 157 FMI 18`, and `E360` with `E360(2)`; a PID of J1587 agrees with the SPN
    /// of its number.
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (&self.without_bus(), &other.without_bus()) {
            (Self::J1939 { spn: a, fmi: x }, Self::J1939 { spn: b, fmi: y }) => a == b && agree(*x, *y),
            (
                Self::J1587 { mid: m, kind: j, number: a, fmi: x },
                Self::J1587 { mid: n, kind: k, number: b, fmi: y },
            ) => (j, a) == (k, b) && agree(*m, *n) && agree(*x, *y),
            (Self::Cid { mid: m, cid: a, fmi: x }, Self::Cid { mid: n, cid: b, fmi: y }) => {
                a == b && agree(*m, *n) && agree(*x, *y)
            }
            (Self::Eid { eid: a, level: x }, Self::Eid { eid: b, level: y }) => a == b && agree(*x, *y),
            (a, b) => match (a.obd(), b.obd()) {
                (Some(first), Some(second)) => first == second && agree(a.failure_type(), b.failure_type()),
                _ => a == b,
            },
        }
    }

    fn failure_type(&self) -> Option<u8> {
        match self {
            Self::ObdFailure { failure_type, .. } => Some(*failure_type),
            _ => None,
        }
    }

    /// A J1587 parameter as the J1939 parameter that took over its number; any other code as it is.
    fn without_bus(&self) -> Self {
        match self {
            Self::J1587 { kind: J1587Kind::Pid, number, fmi, .. } => {
                Self::J1939 { spn: (*number).into(), fmi: *fmi }
            }
            other => other.clone(),
        }
    }
}

/// Whether two values are the same, as far as both are given.
fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::code::FaultCode;

    #[test]
    fn what_one_code_leaves_out_does_not_matter() {
        let agree = |a: &str, b: &str| {
            let (a, b) = (FaultCode::parse(a).code, FaultCode::parse(b).code);
            assert_eq!(a.agrees_with(&b), b.agrees_with(&a));
            a.agrees_with(&b)
        };
        for (a, b) in [
            ("SPN 157", "157-18"),
            ("157-18", "157/18"),
            ("E360", "E360(2)"),
            ("P0087", "P0087-64"),
            ("P0087", "p0087"),
            ("CID 91", "MID 36 CID 91 FMI 8"),
            ("CID 91 FMI 8", "MID 36 CID 91"),
            ("MID 128 PID 94 FMI 3", "SPN 94 FMI 3"),
            ("MID 128 PID 94 FMI 3", "PID 94 FMI 3"),
            ("MID 144 PSID 5", "MID 144 PSID 5 FMI 2"),
            ("CA559", "CA559"),
        ] {
            assert!(agree(a, b), "{a} and {b}");
        }
        for (a, b) in [
            ("157-18", "157-1"),
            ("157-18", "158-18"),
            ("E360(1)", "E360(2)"),
            ("P0087-64", "P0087-13"),
            ("P0087-64", "P0088-64"),
            ("MID 36 CID 91", "MID 30 CID 91"),
            ("MID 128 SID 94 FMI 3", "SPN 94 FMI 3"),
            ("MID 128 SID 1 FMI 3", "MID 144 SID 1 FMI 3"),
            ("CA559", "FC 559"),
        ] {
            assert!(!agree(a, b), "{a} and {b}");
        }
    }
}
