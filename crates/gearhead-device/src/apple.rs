//! Families of GPUs, as Metal tells them apart, by the names that macOS gives its GPUs.
//!
//! Burn's backend does not say which families a GPU supports. The chip decides, and the name says the chip.

/// Chips of Apple's own and their highest family.
///
/// Source: Apple's Metal feature set tables (2024-06-05, page 1) and the pages of `MTLGPUFamily`. The M5 is not in them:
/// Metal itself told llama.cpp `MTLGPUFamilyApple10` of it (the log of its `ggml_metal_device_init`).
const CHIPS: &[(&str, &str)] = &[
    ("A8", "Apple2"),
    ("A8X", "Apple2"),
    ("A9", "Apple3"),
    ("A9X", "Apple3"),
    ("A10", "Apple3"),
    ("A10X", "Apple3"),
    ("A11", "Apple4"),
    ("A12", "Apple5"),
    ("A12X", "Apple5"),
    ("A12Z", "Apple5"),
    ("A13", "Apple6"),
    ("A14", "Apple7"),
    ("M1", "Apple7"),
    ("A15", "Apple8"),
    ("A16", "Apple8"),
    ("M2", "Apple8"),
    ("A17", "Apple9"),
    ("M3", "Apple9"),
    ("M4", "Apple9"),
    ("M5", "Apple10"),
];

/// GPUs of other makers in Macs that are of the family Mac2; `#` is a digit. Older ones are of Mac1, which Metal has given up.
///
/// Source: the page of `MTLFeatureSet.macOS_GPUFamily2_v1`, and the GPUs of macOS among those of Metal 3 in the feature set
/// tables (2024-06-05, page 2).
const MAC2: &[&str] = &[
    "Intel HD Graphics 5##",
    "Intel HD Graphics 6##",
    "Intel Iris Graphics 5##",
    "Intel Iris Plus Graphics",
    "Intel UHD Graphics 630",
    "FirePro D###",
    "Radeon R9 M2##",
    "Radeon R9 M3##",
    "Radeon Pro 4##",
    "Radeon Pro 5##",
    "Radeon Pro Vega",
    "Radeon RX Vega",
    "Radeon Pro 5###",
    "Radeon Pro W5###",
    "Radeon Pro W6###",
    "Radeon RX 5###",
    "Radeon RX 6###",
];

/// The family of a GPU with this name, where it is known: for Apple's own the highest, and Mac2 for others.
pub fn metal_family(name: &str) -> Option<&'static str> {
    let name = name.replace("(R)", "").replace("(TM)", "");
    let words: Vec<&str> = name.split_whitespace().collect();
    if let ["Apple", chip, ..] = words[..] {
        return CHIPS.iter().find(|(known, _)| *known == chip).map(|(_, family)| *family);
    }
    let is_named = |pattern: &&str| {
        let pattern: Vec<&str> = pattern.split(' ').collect();
        words
            .windows(pattern.len())
            .any(|some| some.iter().zip(&pattern).all(|(word, like)| is_like(word, like)))
    };
    MAC2.iter().any(is_named).then_some("Mac2")
}

/// Whether a word is a pattern's. A number may have letters behind it, such as the M of mobile GPUs.
fn is_like(word: &str, pattern: &str) -> bool {
    let Some((start, rest)) = word.split_at_checked(pattern.len()) else { return false };
    let fits = |(given, wanted): (u8, u8)| given == wanted || wanted == b'#' && given.is_ascii_digit();
    start.bytes().zip(pattern.bytes()).all(fits)
        && (rest.is_empty() || pattern.ends_with('#') && rest.bytes().all(|byte| byte.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_those_of_the_feature_set_tables() {
        for (name, family) in [
            ("Apple M1", Some("Apple7")),
            ("Apple M1 Ultra", Some("Apple7")),
            ("Apple M2 Pro", Some("Apple8")),
            ("Apple M3 Max", Some("Apple9")),
            ("Apple M4", Some("Apple9")),
            ("Apple M5", Some("Apple10")),
            ("Apple A12Z GPU", Some("Apple5")),
            ("Apple A14 GPU", Some("Apple7")),
            ("Apple A17 Pro GPU", Some("Apple9")),
            ("Intel(R) Iris(TM) Plus Graphics 655", Some("Mac2")),
            ("Intel(R) UHD Graphics 630", Some("Mac2")),
            ("Intel HD Graphics 530", Some("Mac2")),
            ("AMD Radeon Pro 560X", Some("Mac2")),
            ("AMD Radeon Pro 5500M", Some("Mac2")),
            ("AMD Radeon Pro Vega 64X", Some("Mac2")),
            ("AMD Radeon RX 6900 XT", Some("Mac2")),
            ("AMD Radeon Pro W6800X Duo", Some("Mac2")),
            ("AMD Radeon HD - FirePro D700", Some("Mac2")),
        ] {
            assert_eq!(metal_family(name), family, "{name}");
        }
    }

    #[test]
    fn of_what_the_tables_do_not_name_nothing_is_said() {
        for name in [
            "Apple M11",
            "Apple Paravirtual device",
            "Apple",
            "",
            // Of Mac1: four digits are an older chip than three.
            "Intel HD Graphics 5000",
            "Intel HD Graphics 4000",
            "Intel Iris Pro Graphics",
            "NVIDIA GeForce GT 750M",
            "AMD Radeon HD 6970M",
            "AMD Radeon Pro 5½",
        ] {
            assert_eq!(metal_family(name), None, "{name}");
        }
    }
}
