//! A case on its way to its report, as far as that goes without the network.

use gearhead_data::{
    case::Case, likeness::Similar, manifest::Candidate, prompt::encode_prompt, reading::Reading,
};
use gearhead_kernels::Kernels;
use gearhead_model::Predictor;

use super::{
    Diagnosed, Finding, LikelyCause, Stage,
    background::{Background, Diagnosis},
    candidates::{Scored, rank},
    judge, question,
};
use crate::{
    decode::Prefix,
    error::{Error, Result},
    report::{SimilarCase, Written},
};

/// Tokens that a prompt must leave free for the text of the answer, beside the cause's name.
const ANSWER_TOKENS: usize = 64;

/// What is known of a case before the network sees it.
#[derive(Debug)]
pub(super) struct ReadCase<'a> {
    pub(super) background: &'a Background,
    pub(super) diagnosis: &'a Diagnosis,
    pub(super) case: Case,
    findings: Vec<Finding>,
    prompt: Vec<u32>,
    reading: Reading,
    is_familiar: bool,
    /// What speaks for each cause, still without the network's part.
    scored: Vec<Scored>,
    past: Vec<Similar>,
}

/// A case of which it is known how probable each cause is.
#[derive(Debug)]
pub(super) struct RankedCase<'a> {
    pub(super) read: ReadCase<'a>,
    scored: Vec<Scored>,
    /// The most probable first.
    causes: Vec<(&'a Candidate, f64)>,
    /// The position of the first among the candidates.
    pub(super) best: usize,
    pub(super) similar_cases: Vec<SimilarCase>,
}

impl<'a> ReadCase<'a> {
    /// Reads a case of which some tests were done.
    ///
    /// # Errors
    ///
    /// It is not valid, or does not fit the model.
    pub(super) fn new(background: &'a Background, case: Case, findings: Vec<Finding>) -> Result<Self> {
        case.validate()?;
        let diagnosis = background.diagnosis()?;
        let prompt = encode_prompt(&background.tokenizer, &case)?;
        let max_seq_len = background.max_seq_len;
        let reserved = diagnosis.candidates.longest() + ANSWER_TOKENS.min(max_seq_len / 4);
        if prompt.len() + reserved > max_seq_len {
            return Err(Error::CaseTooLong {
                tokens: prompt.len(),
                room: max_seq_len.saturating_sub(reserved),
            });
        }
        let Background { knowledge, cards, .. } = background;
        let reading = cards.reader.read(&case, knowledge);
        let is_familiar = background.is_familiar(diagnosis, &case, &reading);
        let past = background.past.nearest(&case, &reading);
        let mut scored = diagnosis.candidates.possible(knowledge, cards, &case, &reading)?;
        let votes = background.past.votes(&past, &diagnosis.manifest.candidates);
        let words = diagnosis.by_words(&case, knowledge);
        for scored in &mut scored {
            scored.evidence.cases = votes[scored.index];
            scored.evidence.linear = words[scored.index];
        }
        Ok(Self { background, diagnosis, case, findings, prompt, reading, is_familiar, scored, past })
    }

    pub(super) fn stage(&self) -> Stage {
        Stage::Read { reading: Box::new(self.reading.clone()) }
    }

    /// Whether the report will name no cause. What it will not say is not told on the way to it either.
    pub(super) fn is_declined(&self) -> bool {
        !self.is_familiar || self.reading.bypass.is_some()
    }

    /// The prompt as the network has read it, and all that speaks for each cause.
    ///
    /// # Errors
    ///
    /// A cause does not fit behind the prompt.
    pub(super) fn weigh<B: Kernels>(&self, predictor: &Predictor<B>) -> Result<(Prefix<B>, Vec<Scored>)> {
        let prefix = Prefix::read(predictor, &self.prompt)?;
        let mut scored = self.scored.clone();
        self.diagnosis.candidates.weigh(&mut scored, &prefix, predictor)?;
        Ok((prefix, scored))
    }

    /// Ranks the causes by what speaks for them and by the tests that were done.
    ///
    /// # Errors
    ///
    /// A finding names no test or result of the knowledge.
    pub(super) fn ranked(self, scored: Vec<Scored>) -> Result<RankedCase<'a>> {
        let candidate = |index: usize| &self.diagnosis.manifest.candidates[index];
        let ranked = rank(&scored, &self.diagnosis.manifest.ranking);
        let mut causes: Vec<(usize, f64)> = ranked.iter().map(|it| (it.index, it.probability)).collect();
        for finding in &self.findings {
            let test = question::test(&self.background.knowledge, finding)?;
            let of_faults: Vec<_> = causes
                .iter()
                .map(|(index, probability)| (candidate(*index).fault.as_deref(), *probability))
                .collect();
            let updated = question::updated(test, finding.outcome, &of_faults);
            causes.iter_mut().zip(updated).for_each(|(cause, probability)| cause.1 = probability);
        }
        causes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let best = causes[0].0;
        let causes = causes.into_iter().map(|(index, probability)| (candidate(index), probability)).collect();
        let similar_cases = self.background.past.shown(&self.past);
        Ok(RankedCase { read: self, scored, causes, best, similar_cases })
    }
}

impl RankedCase<'_> {
    pub(super) fn stage(&self) -> Stage {
        Stage::Ranked { causes: judge::shown(&self.causes).map(LikelyCause::from).collect() }
    }

    /// The report, with what the network wrote.
    pub(super) fn judged(self, written: Written) -> Diagnosed {
        let Self { read, scored, causes, similar_cases, .. } = self;
        let report = judge::judge(judge::Findings {
            case: &read.case,
            similar_cases,
            is_familiar: read.is_familiar,
            reading: read.reading,
            causes: &causes,
            done: &read.findings,
            written,
            thresholds: read.diagnosis.manifest.thresholds,
            knowledge: &read.background.knowledge,
            model: &read.background.name,
        });
        Diagnosed { report, scored }
    }
}
