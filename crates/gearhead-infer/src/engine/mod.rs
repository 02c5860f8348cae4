//! From case to report: the model and the fault cards rank, the model writes, the cards say how to prove it.

mod candidates;
mod cards;
mod fit;
mod judge;

use std::{collections::HashSet, path::Path, sync::Arc};

use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    manifest::{Candidate, MANIFEST, Manifest},
    prompt::encode_prompt,
    tokenizer::{Markers, Tokenizer},
};
use gearhead_kernels::Kernels;
use gearhead_model::{Decoder, ModelDirectory, directory::read_file};

use crate::{
    decode::{Continuation, FinishReason, Prefix, generate, log_probs},
    error::{Error, Result},
    report::{Report, Written},
    sampling::Sampling,
};

pub use candidates::Scored;
pub use fit::fit_ranking;

use candidates::{Candidates, rank};
use cards::CardIndex;

/// Tokens that a prompt must leave free for the text of the answer, beside the cause's name.
const ANSWER_TOKENS: usize = 64;

/// What a diagnostic engine can do, on whatever backend it runs.
pub trait Diagnose {
    /// Diagnoses one case.
    ///
    /// # Errors
    ///
    /// The case is not valid or does not fit the model.
    fn diagnose(&self, case: &Case) -> Result<Report>;

    /// What speaks for each cause that the case's machine can have.
    ///
    /// # Errors
    ///
    /// The case is not valid or does not fit the model.
    fn score_causes(&self, case: &Case) -> Result<Vec<Scored>>;

    /// Continues token ids.
    ///
    /// # Errors
    ///
    /// See [`generate`].
    fn generate(
        &self,
        prompt: &[u32],
        max_new_tokens: usize,
        sampling: &Sampling,
        on_token: &mut dyn FnMut(u32),
    ) -> Result<Continuation>;

    /// The log-probability of every token, in nats; `None` for the first.
    ///
    /// # Errors
    ///
    /// See [`log_probs`].
    fn log_probs(&self, ids: &[u32]) -> Result<Vec<Option<f32>>>;

    /// The tokenizer of the model.
    fn tokenizer(&self) -> &Tokenizer;

    /// What the model was trained on, where it was trained for diagnosis. Behind the causes of the training stand those
    /// that only the knowledge names.
    fn manifest(&self) -> Option<&Manifest>;

    /// The cards, machines and codes that the engine goes by.
    fn knowledge(&self) -> &KnowledgeBase;

    /// Goes by other knowledge from now on. A company's own cards that the model was not trained on are ranked too, by
    /// wordings and codes: the model speaks neither for nor against them (see [`Scored::log_prob`]). Cards that the
    /// knowledge disables are ranked no more.
    ///
    /// # Errors
    ///
    /// A title cannot be tokenized.
    fn set_knowledge(&mut self, knowledge: Arc<KnowledgeBase>) -> Result<()>;

    /// The name of the model: that of its directory, or of the bundled one.
    fn name(&self) -> &str;
}

/// A model on a device, with its tokenizer and the knowledge base.
#[derive(Debug)]
pub struct Engine<B: Kernels> {
    decoder: Decoder<B>,
    tokenizer: Tokenizer,
    diagnosis: Option<Diagnosis>,
    knowledge: Arc<KnowledgeBase>,
    cards: Arc<CardIndex>,
    name: String,
}

/// What only a model that was trained for diagnosis has.
#[derive(Debug)]
struct Diagnosis {
    manifest: Manifest,
    markers: Markers,
    candidates: Candidates,
    /// How many of the manifest's candidates are from the training.
    trained: usize,
}

impl Diagnosis {
    fn new(manifest: Manifest, tokenizer: &Tokenizer) -> Result<Self> {
        let markers = tokenizer.case_markers()?;
        let trained = manifest.candidates.len();
        let candidates = Candidates::new(&manifest, trained, tokenizer, markers)?;
        Ok(Self { manifest, markers, candidates, trained })
    }

    /// Puts the company's own cards behind the causes of the training.
    fn rank_own_cards(&mut self, knowledge: &KnowledgeBase, tokenizer: &Tokenizer) -> Result<()> {
        self.manifest.candidates.truncate(self.trained);
        let trained: HashSet<String> =
            self.manifest.candidates.iter().filter_map(|candidate| candidate.fault.clone()).collect();
        let own = knowledge.cards().iter().filter(|card| knowledge.is_own(&card.id));
        let new = own.filter(|card| !trained.contains(&card.id)).map(Candidate::of_card);
        self.manifest.candidates.extend(new);
        self.candidates = Candidates::new(&self.manifest, self.trained, tokenizer, self.markers)?;
        Ok(())
    }
}

impl<B: Kernels> Engine<B> {
    /// Opens a model directory, or the `best` model of a training's output folder. A directory without `gearhead.json`
    /// can generate and score, but not diagnose.
    ///
    /// # Errors
    ///
    /// Names the file that is missing or wrong.
    pub fn open(path: impl AsRef<Path>, device: &B::Device) -> Result<Self> {
        let given = path.as_ref();
        let best = given.join("best");
        let path = if !given.join("config.json").exists() && best.is_dir() { best.as_path() } else { given };
        let directory = ModelDirectory::open(path)?;
        let tokenizer =
            Tokenizer::from_bytes(&read_file(path, "tokenizer.json")?, path.join("tokenizer.json"))?;
        let manifest = match read_file(path, MANIFEST) {
            Ok(text) => Some(Manifest::from_json(&text, &path.join(MANIFEST))?),
            Err(gearhead_model::Error::MissingFile { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Self::new(&directory, tokenizer, manifest, &given.display().to_string(), device)
    }

    /// Puts a model, its tokenizer and its manifest together; `name` is what reports call it.
    ///
    /// # Errors
    ///
    /// The three do not belong together, or a weight is missing.
    pub fn new(
        directory: &ModelDirectory<'_>,
        tokenizer: Tokenizer,
        manifest: Option<Manifest>,
        name: &str,
        device: &B::Device,
    ) -> Result<Self> {
        let (in_tokenizer, in_model) = (tokenizer.vocab_size(), directory.config().vocab_size);
        // A model may have rows to spare (vocabularies are padded to round numbers), never too few.
        let is_diagnostic = manifest.is_some();
        if in_tokenizer > in_model || (is_diagnostic && in_tokenizer != in_model) {
            let path = name.into();
            return Err(Error::TokenizerMismatch { path, tokenizer: in_tokenizer, model: in_model });
        }
        let diagnosis = match manifest {
            None => None,
            Some(manifest) => Some(Diagnosis::new(manifest, &tokenizer)?),
        };
        let decoder = directory.decoder(device)?;
        let (knowledge, cards) = (KnowledgeBase::shared(), CardIndex::shared());
        Ok(Self { decoder, tokenizer, diagnosis, knowledge, cards, name: name.to_owned() })
    }

    /// The engine with other knowledge: see [`Diagnose::set_knowledge`].
    ///
    /// # Errors
    ///
    /// As that method's.
    pub fn with_knowledge(mut self, knowledge: impl Into<Arc<KnowledgeBase>>) -> Result<Self> {
        self.set_knowledge(knowledge.into())?;
        Ok(self)
    }

    /// What speaks for each cause, after a prompt that was read.
    fn weigh(&self, diagnosis: &Diagnosis, prefix: &Prefix<B>, case: &Case) -> Result<Vec<Scored>> {
        diagnosis.candidates.score(prefix, &self.decoder, &self.knowledge, &self.cards, case)
    }

    /// The network.
    pub fn decoder(&self) -> &Decoder<B> {
        &self.decoder
    }

    /// The prompt of a valid case that fits the model.
    fn prompt(&self, case: &Case) -> Result<(&Diagnosis, Vec<u32>)> {
        case.validate()?;
        let diagnosis = self.diagnosis.as_ref().filter(|diagnosis| !diagnosis.candidates.is_empty());
        let diagnosis = diagnosis.ok_or_else(|| Error::NoCandidates { path: self.name.clone().into() })?;
        let prompt = encode_prompt(&self.tokenizer, case)?;
        let max_seq_len = self.decoder.config().max_seq_len;
        let reserved = diagnosis.candidates.longest() + ANSWER_TOKENS.min(max_seq_len / 4);
        if prompt.len() + reserved > max_seq_len {
            return Err(Error::CaseTooLong {
                tokens: prompt.len(),
                room: max_seq_len.saturating_sub(reserved),
            });
        }
        Ok((diagnosis, prompt))
    }

    /// Lets the model go on after the prompt and the best cause's name, and splits what it writes at the markers.
    fn write(&self, diagnosis: &Diagnosis, prompt: &[u32], best: usize) -> Result<Written> {
        let begun = diagnosis.candidates.tokens(best);
        let mut ids = prompt.to_vec();
        ids.extend_from_slice(begun);
        let continued = generate(&self.decoder, &ids, usize::MAX, &Sampling::greedy(), &mut |_| {})?;
        let mut sections = vec![(diagnosis.markers.cause, Vec::new())];
        for id in begun.iter().chain(&continued.ids) {
            if [diagnosis.markers.solution, diagnosis.markers.step].contains(id) {
                sections.push((*id, Vec::new()));
            } else if let Some((_, section)) = sections.last_mut() {
                section.push(*id);
            }
        }
        let is_truncated = continued.finish_reason == FinishReason::Length;
        let mut written = Written { is_truncated, ..Written::default() };
        for (marker, ids) in sections {
            let text = self.tokenizer.decode(&ids)?.trim().to_owned();
            if marker == diagnosis.markers.cause {
                written.probable_cause = text;
            } else if marker == diagnosis.markers.solution {
                written.solution = text;
            } else {
                written.steps.push(text);
            }
        }
        Ok(written)
    }
}

impl<B: Kernels> Diagnose for Engine<B> {
    fn diagnose(&self, case: &Case) -> Result<Report> {
        let (diagnosis, prompt) = self.prompt(case)?;
        let prefix = Prefix::read(&self.decoder, &prompt)?;
        let scored = self.weigh(diagnosis, &prefix, case)?;
        let ranked = rank(&scored, &diagnosis.manifest.ranking);
        let written = self.write(diagnosis, &prompt, ranked[0].index)?;
        let codes = case.codes().iter().map(|code| self.knowledge.codes().decode(code)).collect();
        let candidate = |index: usize| &diagnosis.manifest.candidates[index];
        let causes: Vec<_> =
            ranked.iter().map(|ranked| (candidate(ranked.index), ranked.probability)).collect();
        Ok(judge::judge(case, codes, &causes, written, &self.knowledge, &self.name))
    }

    fn score_causes(&self, case: &Case) -> Result<Vec<Scored>> {
        let (diagnosis, prompt) = self.prompt(case)?;
        self.weigh(diagnosis, &Prefix::read(&self.decoder, &prompt)?, case)
    }

    fn generate(
        &self,
        prompt: &[u32],
        max_new_tokens: usize,
        sampling: &Sampling,
        on_token: &mut dyn FnMut(u32),
    ) -> Result<Continuation> {
        generate(&self.decoder, prompt, max_new_tokens, sampling, on_token)
    }

    fn log_probs(&self, ids: &[u32]) -> Result<Vec<Option<f32>>> {
        log_probs(&self.decoder, ids)
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn manifest(&self) -> Option<&Manifest> {
        self.diagnosis.as_ref().map(|diagnosis| &diagnosis.manifest)
    }

    fn knowledge(&self) -> &KnowledgeBase {
        &self.knowledge
    }

    fn set_knowledge(&mut self, knowledge: Arc<KnowledgeBase>) -> Result<()> {
        if let Some(diagnosis) = &mut self.diagnosis {
            diagnosis.rank_own_cards(&knowledge, &self.tokenizer)?;
        }
        self.cards = Arc::new(CardIndex::new(&knowledge));
        self.knowledge = knowledge;
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }
}
