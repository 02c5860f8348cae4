//! The statistics as aligned text.

use std::fmt::{self, Display};

use super::{Distinct, Labels, Lookup, Named, Stats};

/// Columns of the names at the left.
const NAME_WIDTH: usize = 34;

impl Display for Distinct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.exact { "" } else { "about " }, self.count)
    }
}

impl Display for Stats {
    /// Several lines, each a name and a value, in groups with a title.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "rows", self.rows)?;
        self.complaints(f)?;
        self.machines(f)?;
        labels(f, "labels (fault, or name of the cause)", self.rows, &self.labels)?;
        labels(f, "systems", self.rows, &self.systems)?;
        self.fault_codes(f)?;
        self.solved_without_the_complaint(f)?;
        if !self.slices.is_empty() {
            title(f, "slices")?;
            for (slice, rows) in &self.slices {
                line(f, slice, Part(*rows, self.rows))?;
            }
        }
        Ok(())
    }
}

impl Stats {
    fn complaints(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = &self.words;
        title(f, "complaints")?;
        line(f, "distinct", words.distinct_symptoms)?;
        line(f, "distinct but for case and digits", words.distinct_folded_symptoms)?;
        let copies = &self.near_copies;
        let of =
            if copies.exact { String::new() } else { format!(" (among {} sampled)", copies.rows_compared) };
        line(f, "with a near copy", format_args!("{}{of}", Percent(copies.share_with_copy)))?;
        line(f, "near copies of a complaint", format_args!("{:.2} on average", copies.mean_copies))?;
        line(
            f,
            "words of a complaint",
            format_args!(
                "median {}, 5 % have at most {}, 95 % at most {}; mean {:.1}",
                words.words_median, words.words_p5, words.words_p95, words.mean_words
            ),
        )?;
        line(f, "notes of 3 to 8 words", Percent(words.note_share))?;
        line(f, "distinct words / words", format_args!("{:.4}", words.type_token_ratio))?;
        if let Some(ratio) = words.type_token_ratio_per_1000 {
            line(f, "the same per 1,000 words", format_args!("{ratio:.3}"))?;
        }
        for ngrams in &words.ngrams {
            let name = if ngrams.n == 1 {
                "distinct words".into()
            } else {
                format!("distinct runs of {} words", ngrams.n)
            };
            line(f, &name, format_args!("{}, {} seen once", ngrams.distinct, Percent(ngrams.once_share)))?;
        }
        Ok(())
    }

    fn machines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let equipment = &self.equipment;
        title(f, "equipment")?;
        line(f, "distinct descriptions", equipment.distinct)?;
        for kind in &equipment.kinds {
            line(f, &kind.name, Part(kind.rows, self.rows))?;
        }
        line(f, "(not recognised)", Part(equipment.unrecognised_rows, self.rows))?;
        named(f, &equipment.unrecognised)
    }

    fn fault_codes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = &self.codes;
        title(f, "fault codes")?;
        line(f, "rows without a code", Part(codes.rows_without, self.rows))?;
        line(f, "rows with one", Part(codes.rows_with_one, self.rows))?;
        line(f, "rows with several", Part(codes.rows_with_several, self.rows))?;
        line(f, "distinct codes", codes.distinct)?;
        line(
            f,
            "codes of a label",
            format_args!("{:.1} on average, at most {}", codes.mean_per_label, codes.max_per_label),
        )?;
        line(f, "codes of several labels", codes.shared)?;
        for code in &codes.most_shared {
            line(
                f,
                &format!("  {}", code.code),
                format_args!("{} labels, {} rows, most of them {}", code.labels, code.rows, code.most),
            )?;
        }
        Ok(())
    }

    fn solved_without_the_complaint(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lookups = &self.lookups;
        title(f, "solved without reading the complaint")?;
        line(f, "most frequent label (chance)", Percent(lookups.most_frequent))?;
        for (name, found) in [
            ("codes, by the fault cards", &lookups.codes_by_cards),
            ("codes, learned on half the rows", &lookups.codes_learned),
            ("machine, learned on half the rows", &lookups.equipment_learned),
        ] {
            lookup(f, name, found)?;
        }
        Ok(())
    }
}

fn lookup(f: &mut fmt::Formatter<'_>, name: &str, lookup: &Lookup) -> fmt::Result {
    if lookup.rows == 0 {
        return line(f, name, "no row to ask about");
    }
    let about = if lookup.exact { "" } else { "about " };
    line(
        f,
        name,
        format_args!(
            "{about}{} of {} rows, an answer for {}",
            Percent(lookup.solved),
            lookup.rows,
            Percent(lookup.answered)
        ),
    )
}

fn labels(f: &mut fmt::Formatter<'_>, name: &str, rows: u64, labels: &Labels) -> fmt::Result {
    title(f, name)?;
    line(f, "rows with one", Part(labels.rows, rows))?;
    if labels.rows == 0 {
        return Ok(());
    }
    line(f, "distinct", labels.distinct)?;
    line(f, "fewest rows of one", labels.fewest_rows)?;
    line(
        f,
        "entropy",
        format_args!("{:.2} bits, {} of an even distribution", labels.entropy_bits, Percent(labels.evenness)),
    )?;
    named(f, &labels.most)
}

fn named(f: &mut fmt::Formatter<'_>, named: &[Named]) -> fmt::Result {
    named.iter().try_for_each(|named| line(f, &format!("  {}", named.name), named.rows))
}

fn title(f: &mut fmt::Formatter<'_>, title: &str) -> fmt::Result {
    write!(f, "\n{title}\n")
}

/// A name, cut where it is too long, and a value.
fn line(f: &mut fmt::Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    let mut shown = String::new();
    for c in name.chars() {
        if shown.chars().count() + 1 == NAME_WIDTH {
            shown.push('…');
            break;
        }
        shown.push(if c.is_control() { ' ' } else { c });
    }
    shown.extend(std::iter::repeat_n(' ', NAME_WIDTH - shown.chars().count()));
    writeln!(f, "  {shown} {value}")
}

struct Percent(f64);

impl Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", 100.0 * self.0)
    }
}

struct Part(u64, u64);

impl Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, Percent(super::share(self.0, self.1)))
    }
}
