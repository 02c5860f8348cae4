//! Strings that end a text, wherever the borders of its tokens are.

/// Lets text pass up to the first of some strings.
#[derive(Debug)]
pub(super) struct StopFilter {
    stops: Vec<String>,
    /// What may be the beginning of one of them.
    held: String,
}

impl StopFilter {
    pub(super) fn new(stops: Vec<String>) -> Self {
        Self { stops, held: String::new() }
    }

    /// The text that may be shown now, and whether a string was found that ends it.
    pub(super) fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = found {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let begins = |at: usize| self.stops.iter().any(|stop| stop.starts_with(&self.held[at..]));
        let at = self.held.char_indices().map(|(at, _)| at).find(|at| begins(*at));
        let rest = self.held.split_off(at.unwrap_or(self.held.len()));
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back, where the text ends without it.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(stops: &[&str], pieces: &[&str]) -> (String, bool) {
        let mut filter = StopFilter::new(stops.iter().map(|stop| (*stop).to_owned()).collect());
        let mut shown = String::new();
        for piece in pieces {
            let (text, is_over) = filter.push(piece);
            shown.push_str(&text);
            if is_over {
                return (shown, true);
            }
        }
        (shown + &filter.finish(), false)
    }

    #[test]
    fn text_ends_before_the_first_string_however_it_is_cut() {
        let whole = "one two\n\nthree END four";
        for cut in 0..whole.len() {
            let pieces = [&whole[..cut], &whole[cut..]];
            assert_eq!(shown(&["END", "\n\n"], &pieces), ("one two".to_owned(), true), "{cut}");
            assert_eq!(shown(&["\n\nthree END"], &pieces), ("one two".to_owned(), true), "{cut}");
            assert_eq!(shown(&["five"], &pieces), (whole.to_owned(), false), "{cut}");
            assert_eq!(shown(&[], &pieces), (whole.to_owned(), false), "{cut}");
        }
        let letters: Vec<String> = "aabaac".chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(shown(&["aac"], &letters), ("aab".to_owned(), true));
        assert_eq!(shown(&["漏x"], &["a漏", "y漏"]), ("a漏y漏".to_owned(), false));
    }
}
