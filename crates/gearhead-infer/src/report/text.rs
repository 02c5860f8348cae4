//! The report as text for a terminal or a file, 96 columns wide.

use std::fmt;

use anstyle::{AnsiColor, Style};
use gearhead_data::severity::Severity;
use textwrap::{Options, core::display_width};

use super::{
    Report,
    layout::{Block, Entry, Fact, Kind, Layout, RankedCause, Section, TestEntry, Weight, percent},
};

const WIDTH: usize = 96;
/// A mark that is wider than this is wrapped as text.
const MARK_WIDTH: usize = 48;
/// Columns for the name of a cause.
const NAME_WIDTH: usize = 58;
/// Columns of the bar of a certain cause.
const BAR_WIDTH: f64 = 20.0;

/// Plain text.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Layout::new(self).plain(f)
    }
}

impl Layout {
    /// Writes it as text without colours.
    pub(super) fn plain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text { out: f, styles: Styles::PLAIN }.layout(self)
    }
}

impl Report {
    /// The same text as that of `Display`, with colours and bold type for a terminal, as ANSI escape sequences.
    pub fn styled(&self) -> impl fmt::Display + '_ {
        Styled(self)
    }
}

struct Styled<'a>(&'a Report);

impl fmt::Display for Styled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text { out: f, styles: Styles::COLOURED }.layout(&Layout::new(self.0))
    }
}

/// How parts of the text are set.
#[derive(Clone, Copy)]
struct Styles {
    strong: Style,
    faint: Style,
    danger: Style,
    caution: Style,
    good: Style,
}

impl Styles {
    const PLAIN: Self = Self {
        strong: Style::new(),
        faint: Style::new(),
        danger: Style::new(),
        caution: Style::new(),
        good: Style::new(),
    };
    const COLOURED: Self = Self {
        strong: Style::new().bold(),
        faint: Style::new().dimmed(),
        danger: AnsiColor::Red.on_default().bold(),
        caution: AnsiColor::Yellow.on_default().bold(),
        good: AnsiColor::Green.on_default().bold(),
    };

    const fn heading(self, kind: Kind) -> Style {
        match kind {
            Kind::Verdict(Severity::Stop) => self.danger,
            Kind::Verdict(Severity::FinishAndPark) | Kind::Declined => self.caution,
            Kind::Verdict(Severity::Plan) => self.good,
            _ => self.strong,
        }
    }
}

struct Text<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    styles: Styles,
}

impl Text<'_, '_> {
    fn layout(mut self, layout: &Layout) -> fmt::Result {
        self.styled("", &layout.title, self.styles.strong)?;
        self.facts("  ", &layout.given)?;
        for section in &layout.sections {
            self.section(section)?;
        }
        writeln!(self.out)?;
        self.styled("", &layout.footer, self.styles.faint)
    }

    fn section(&mut self, section: &Section) -> fmt::Result {
        writeln!(self.out)?;
        self.styled("", &section.title, self.styles.heading(section.kind))?;
        section.blocks.iter().try_for_each(|block| self.block(block))
    }

    fn block(&mut self, block: &Block) -> fmt::Result {
        match block {
            Block::Text(text) => self.styled("  ", text, Style::new()),
            Block::Alert(text) => self.styled("  ", text, self.styles.caution),
            Block::Note(text) => self.styled("  ", text, self.styles.faint),
            Block::Facts(facts) => self.facts("  ", facts),
            Block::List(texts) => {
                texts.iter().try_for_each(|text| self.marked("  ", "-", Style::new(), text))
            }
            Block::Safety(steps) => {
                steps.iter().try_for_each(|step| self.marked("  ", "!", self.styles.danger, step))
            }
            Block::Entries(entries) => entries.iter().try_for_each(|entry| self.entry(entry)),
            Block::Causes(causes) => causes.iter().try_for_each(|cause| self.cause(cause)),
            Block::Tests(tests) => tests.iter().try_for_each(|test| self.test(test)),
        }
    }

    fn facts(&mut self, indent: &str, facts: &[Fact]) -> fmt::Result {
        facts
            .iter()
            .try_for_each(|fact| self.marked(indent, &format!("{}:", fact.name), Style::new(), &fact.value))
    }

    fn entry(&mut self, entry: &Entry) -> fmt::Result {
        self.marked("  ", &format!("{}:", entry.name), self.styles.strong, &entry.says)?;
        entry.more.iter().try_for_each(|more| self.styled("    ", more, Style::new()))
    }

    fn cause(&mut self, cause: &RankedCause) -> fmt::Result {
        let system = cause.system.as_ref().map_or(String::new(), |system| format!(" ({system})"));
        let name = format!("{}{system}", cause.name);
        let bar = "█".repeat((cause.probability * BAR_WIDTH).round() as usize);
        let (strong, percent) = (self.styles.strong, percent(cause.probability));
        for (number, name) in textwrap::wrap(&name, NAME_WIDTH).iter().enumerate() {
            if number == 0 {
                let pad = " ".repeat(NAME_WIDTH.saturating_sub(display_width(name)));
                let rank = cause.rank;
                let line = format!("{rank:>3}. {strong}{name}{strong:#}{pad} {percent:>5} {bar}");
                writeln!(self.out, "{}", line.trim_end())?;
            } else {
                writeln!(self.out, "     {strong}{name}{strong:#}")?;
            }
        }
        for (weight, text) in &cause.findings {
            let (mark, style) = match weight {
                Weight::For => ("+", self.styles.good),
                Weight::Against => ("-", self.styles.danger),
                Weight::Unknown => ("? not said yet:", self.styles.caution),
                Weight::NotIf => ("not if:", Style::new()),
            };
            self.marked("       ", mark, style, text)?;
        }
        Ok(())
    }

    fn test(&mut self, test: &TestEntry) -> fmt::Result {
        let mark = test.number.map_or_else(|| "  >".to_owned(), |number| format!("{number:>3}."));
        let tag = test.tag.as_ref().map_or(String::new(), |tag| format!(" [{tag}]"));
        self.marked("", &mark, self.styles.strong, &format!("{}{tag}", test.action))?;
        for fact in &test.facts {
            self.marked("     ", &format!("{}:", fact.name.to_lowercase()), Style::new(), &fact.value)?;
        }
        (1..).zip(&test.outcomes).try_for_each(|(number, outcome)| {
            self.marked("     ", &format!("{number})"), self.styles.strong, outcome)
        })
    }

    /// A paragraph behind a mark; its further lines stand a little to the right of the mark.
    fn marked(&mut self, indent: &str, mark: &str, style: Style, text: &str) -> fmt::Result {
        if display_width(mark) > MARK_WIDTH {
            return self.styled(indent, &format!("{mark} {text}"), Style::new());
        }
        let first = format!("{indent}{style}{mark}{style:#} ");
        // Under its text behind a short mark, under the mark behind a long one.
        let hanging = if display_width(mark) <= 4 { display_width(mark) + 1 } else { 2 };
        let further = format!("{indent}{}", " ".repeat(hanging));
        let options = Options::new(WIDTH).initial_indent(&first).subsequent_indent(&further);
        writeln!(self.out, "{}", textwrap::fill(text, options).trim_end())
    }

    /// A paragraph in one style.
    fn styled(&mut self, indent: &str, text: &str, style: Style) -> fmt::Result {
        for line in textwrap::wrap(text, WIDTH - indent.len()) {
            writeln!(self.out, "{indent}{style}{line}{style:#}")?;
        }
        Ok(())
    }
}
