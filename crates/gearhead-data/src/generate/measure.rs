//! Figures as people write them, in either system of units.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{pick, vocabulary::Quantity};

/// A figure from `range`, in one of the units and spellings in use.
pub(super) fn figure(quantity: Quantity, [low, high]: [f64; 2], rng: &mut ChaCha8Rng) -> String {
    let value = rng.random_range(low..high);
    match quantity {
        Quantity::Temperature => {
            let fahrenheit = value * 1.8 + 32.0;
            match rng.random_range(0..6) {
                0 => format!("{value:.0} C"),
                1 => format!("{value:.0}°C"),
                2 => format!("{value:.0} deg C"),
                3 => format!("{value:.0}C"),
                4 => format!("{fahrenheit:.0} F"),
                _ => format!("{fahrenheit:.0} deg F"),
            }
        }
        Quantity::Pressure => match rng.random_range(0..4) {
            0 if value >= 1_000.0 => format!("{:.1} MPa", value / 1_000.0),
            0 => format!("{value:.0} kPa"),
            1 => format!("{:.*} bar", usize::from(value < 1_000.0), value / KPA_PER_BAR),
            2 => format!("{:.0} psi", value / KPA_PER_PSI),
            _ => format!("{:.0}psi", value / KPA_PER_PSI),
        },
        Quantity::Voltage => {
            // Smaller machines have 12 V.
            let value = if rng.random_bool(0.3) { value / 2.0 } else { value };
            let unit = *pick(rng, &[" V", "V", " volts", "v", " volt"]);
            format!("{value:.1}{unit}")
        }
        Quantity::Speed => {
            format!("{:.0}{}", (value / 10.0).round() * 10.0, pick(rng, &[" rpm", "rpm", " revs"]))
        }
        Quantity::Time => format!("{value:.0}{}", pick(rng, &[" s", " sec", " seconds", "s"])),
        Quantity::Length => match rng.random_range(0..3) {
            0 => format!("{:.1} in", value / MM_PER_INCH),
            _ => format!("{value:.0}{}", pick(rng, &[" mm", "mm"])),
        },
    }
}

const KPA_PER_BAR: f64 = 100.0;
const KPA_PER_PSI: f64 = 6.894_757;
const MM_PER_INCH: f64 = 25.4;

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn units_are_converted() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut figures = |quantity, value: f64| {
            (0..80).map(|_| figure(quantity, [value, value + 1e-9], &mut rng)).collect::<Vec<_>>()
        };
        let temperatures = figures(Quantity::Temperature, 100.0);
        assert!(temperatures.contains(&"100°C".into()) && temperatures.contains(&"212 F".into()));
        let pressures = figures(Quantity::Pressure, 2_000.0);
        for expected in ["2.0 MPa", "20 bar", "290 psi"] {
            assert!(pressures.contains(&expected.into()), "{expected}");
        }
        assert!(figures(Quantity::Pressure, 250.0).contains(&"2.5 bar".into()));
        let voltages = figures(Quantity::Voltage, 25.0);
        assert!(voltages.contains(&"25.0 V".into()) && voltages.contains(&"12.5 volts".into()));
        assert!(figures(Quantity::Length, 50.8).contains(&"2.0 in".into()));
    }
}
