//! From case to report: the model and the fault cards rank, the model writes, the cards say how to prove it.

mod background;
pub(crate) mod candidates;
mod cards;
mod diagnoses;
mod fit;
mod judge;
mod past_cases;
pub(crate) mod question;
mod read_case;
mod reports;
mod stage;
mod write;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use gearhead_data::{
    case::{Case, read_cases},
    knowledge::KnowledgeBase,
    likeness::Linear,
    manifest::{LINEAR, MANIFEST, Manifest, PAST_CASES, hash},
    tokenizer::Tokenizer,
};
use gearhead_kernels::Kernels;
use gearhead_model::{ModelDirectory, Precision, Predictor, directory::read_file};
use serde::{Deserialize, Serialize};

use crate::{
    constraint::Grammars,
    decode::{Continuation, generate, generate_many, log_probs},
    error::{Error, Result},
    report::{ModelAnswer, Report},
    sampling::Sampling,
};

pub use candidates::Scored;
pub use diagnoses::{Diagnosed, Diagnoses};
pub use fit::{Fitted, PastCasesAre, fit, learn_linear};
pub use reports::{Reports, diagnose_many};
pub use stage::{LikelyCause, Part, Stage};
#[cfg(test)]
pub(crate) use write::supported_text;
pub use writer::{Order, Writer};

use background::{Background, Diagnosis};
use cards::CardIndex;
use diagnoses::{EngineDiagnoses, only};
use past_cases::PastCases;
use read_case::ReadCase;
use writer::EngineWriter;

/// The result of a test that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The fault card that the test is from.
    pub fault: String,
    /// The position of the test on the card, from 0.
    pub test: usize,
    /// The position of the result among those of the test, from 0.
    pub outcome: usize,
}

/// What a diagnostic engine can do, on whatever backend it runs.
pub trait Diagnose {
    /// Diagnoses one case.
    ///
    /// # Errors
    ///
    /// The case is not valid or does not fit the model.
    fn diagnose(&self, case: &Case) -> Result<Report> {
        self.diagnose_after(case, &[])
    }

    /// Diagnoses one case of which some tests were done already.
    ///
    /// # Errors
    ///
    /// As [`diagnose`](Self::diagnose), or a finding names no test or result of the knowledge.
    fn diagnose_after(&self, case: &Case, findings: &[Finding]) -> Result<Report> {
        self.diagnose_observed(case, findings, &mut |_| {})
    }

    /// The same, and tells how far it has come.
    ///
    /// # Errors
    ///
    /// As [`diagnose_after`](Self::diagnose_after).
    fn diagnose_observed(
        &self,
        case: &Case,
        findings: &[Finding],
        on_stage: &mut dyn FnMut(Stage),
    ) -> Result<Report> {
        Ok(only(self.diagnoses(1).as_mut(), case, findings, on_stage)?.report)
    }

    /// Room for so many diagnoses whose texts are written at once. For cases that come one after the other, see
    /// [`diagnose_many`].
    fn diagnoses(&self, at_once: usize) -> Box<dyn Diagnoses + '_>;

    /// What the language model says of a case by itself: no card, no ranking and no grammar. A request to defeat a safety
    /// device gets the safe procedure only.
    ///
    /// # Errors
    ///
    /// The case is not valid or does not fit the model.
    fn answer_alone(&self, case: &Case) -> Result<ModelAnswer>;

    /// How familiar a case is, from 0 to 1: whether it is about the faults that the knowledge is about. Below a tenth a
    /// diagnosis is declined.
    fn familiarity(&self, case: &Case) -> f32;

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

    /// Continues many lists of token ids, some of them at a time.
    ///
    /// # Errors
    ///
    /// See [`generate_many`].
    fn generate_many(
        &self,
        prompts: &[Vec<u32>],
        max_new_tokens: usize,
        sampling: &Sampling,
        at_once: usize,
        on_token: &mut dyn FnMut(usize, u32),
    ) -> Result<Vec<Result<Continuation>>>;

    /// Room for so many texts that are written at once, each of at most `capacity` tokens with its prompt.
    fn writer(&self, texts: usize, capacity: usize) -> Box<dyn Writer + '_>;

    /// The most tokens that the model takes, prompt and answer together.
    fn max_seq_len(&self) -> usize;

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
    fn knowledge(&self) -> &Arc<KnowledgeBase>;

    /// Goes by other knowledge from now on. A company's own cards that the model was not trained on are ranked too, by
    /// wordings and codes: the model speaks neither for nor against them (see [`Scored::evidence`]). Cards that the
    /// knowledge disables are ranked no more.
    ///
    /// # Errors
    ///
    /// A title cannot be tokenized.
    fn set_knowledge(&mut self, knowledge: Arc<KnowledgeBase>) -> Result<()>;

    /// Goes by what single words and codes tell as well.
    ///
    /// # Errors
    ///
    /// It was learned for other causes than the model's.
    fn set_linear(&mut self, linear: Linear) -> Result<()>;

    /// Goes by a company's own past cases from now on: they are found again, shown, and speak for what they turned out to
    /// be. Cases that say nothing of that are left out.
    fn set_past_cases(&mut self, cases: Vec<Case>);

    /// The name of the model: that of its directory, or of the bundled one.
    fn name(&self) -> &str;
}

/// A model on a device, with its tokenizer and the knowledge base.
#[derive(Debug)]
pub struct Engine<B: Kernels> {
    predictor: Predictor<B>,
    background: Background,
    /// Made when first needed: what only ranks never does.
    grammars: OnceLock<Grammars>,
}

/// The model directory that a path means: itself, or the `best` model of a training's output folder.
pub fn model_directory(path: &Path) -> PathBuf {
    let best = path.join("best");
    if !path.join("config.json").exists() && best.is_dir() { best } else { path.to_owned() }
}

impl<B: Kernels> Engine<B> {
    /// Opens a model directory, or the `best` model of a training's output folder. A directory without `gearhead.json`
    /// can generate and score, but not diagnose; one with `cases.jsonl` finds similar cases there.
    ///
    /// # Errors
    ///
    /// Names the file that is missing or wrong.
    pub fn open(path: impl AsRef<Path>, precision: Precision, device: &B::Device) -> Result<Self> {
        let mut engine = Self::open_to_fit(path.as_ref(), precision, device)?;
        let directory = model_directory(path.as_ref());
        match read_file(&directory, LINEAR) {
            Ok(bytes) => engine.set_stored_linear(&bytes)?,
            Err(gearhead_model::Error::MissingFile { .. }) if !engine.counts_words() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(engine)
    }

    /// As [`open`](Self::open), without the linear model: for whoever learns and fits it anew.
    ///
    /// # Errors
    ///
    /// Names the file that is missing or wrong.
    pub fn open_to_fit(path: impl AsRef<Path>, precision: Precision, device: &B::Device) -> Result<Self> {
        let given = path.as_ref();
        let path = model_directory(given);
        let path = path.as_path();
        let directory = ModelDirectory::open(path)?;
        let tokenizer =
            Tokenizer::from_bytes(&read_file(path, "tokenizer.json")?, path.join("tokenizer.json"))?;
        let manifest = match read_file(path, MANIFEST) {
            Ok(text) => Some(Manifest::from_json(&text, &path.join(MANIFEST))?),
            Err(gearhead_model::Error::MissingFile { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let mut engine =
            Self::new(&directory, tokenizer, manifest, &given.display().to_string(), precision, device)?;
        let past_cases = path.join(PAST_CASES);
        if past_cases.exists() {
            engine.set_past_cases(read_cases(&past_cases)?);
        }
        Ok(engine)
    }

    /// Goes by the linear model that was stored beside the manifest.
    ///
    /// # Errors
    ///
    /// It is no such file, or another one than the ranking was fitted with.
    pub fn set_stored_linear(&mut self, bytes: &[u8]) -> Result<()> {
        let linear = Linear::from_bytes(bytes).map_err(|error| Error::Linear(error.to_string()))?;
        let diagnosis = self.background.diagnosis.as_ref();
        let fitted = diagnosis.and_then(|diagnosis| diagnosis.manifest.linear.as_deref());
        if fitted.is_some_and(|fitted| fitted != hash(bytes)) {
            return Err(Error::Linear(format!(
                "it is not the one that {MANIFEST} of {} was fitted with: `gearhead fit` makes both anew",
                self.background.name
            )));
        }
        self.set_linear(linear)
    }

    /// Puts a model, its tokenizer and its manifest together; `name` is what reports call it.
    ///
    /// # Errors
    ///
    /// The three do not belong together, or a weight is missing.
    pub fn new(
        directory: &ModelDirectory,
        tokenizer: Tokenizer,
        manifest: Option<Manifest>,
        name: &str,
        precision: Precision,
        device: &B::Device,
    ) -> Result<Self> {
        let (in_tokenizer, in_model) = (tokenizer.vocab_size(), directory.config().vocab_size);
        // A model may have rows to spare (vocabularies are padded to round numbers), never too few.
        let trained_with = manifest.as_ref().map(|manifest| manifest.tokens.unwrap_or(in_model));
        if in_tokenizer > in_model || trained_with.is_some_and(|trained_with| trained_with != in_tokenizer) {
            let (path, model) = (name.into(), trained_with.unwrap_or(in_model));
            return Err(Error::TokenizerMismatch { path, tokenizer: in_tokenizer, model });
        }
        let diagnosis = match manifest {
            None => None,
            Some(manifest) => Some(Diagnosis::new(manifest, &tokenizer)?),
        };
        let predictor = directory.predictor(precision, device)?;
        let background = Background {
            tokenizer,
            diagnosis,
            knowledge: KnowledgeBase::shared(),
            cards: CardIndex::shared(),
            past: PastCases::default(),
            name: name.to_owned(),
            max_seq_len: predictor.config().max_seq_len,
        };
        Ok(Self { predictor, background, grammars: OnceLock::new() })
    }

    /// What texts can be held to.
    fn grammars(&self) -> Result<&Grammars> {
        if let Some(grammars) = self.grammars.get() {
            return Ok(grammars);
        }
        let of_cases = self.background.diagnosis.as_ref().map(|diagnosis| diagnosis.markers.eos);
        let eos = of_cases.or(self.predictor.config().eos_ids.first().copied());
        let eos = eos.ok_or_else(|| Error::Grammar("the model has no token that ends a text".to_owned()))?;
        let grammars = Grammars::new(&self.background.tokenizer, eos)?;
        Ok(self.grammars.get_or_init(|| grammars))
    }

    /// Whether the ranking was fitted with what single words tell.
    fn counts_words(&self) -> bool {
        let diagnosis = self.background.diagnosis.as_ref();
        diagnosis.is_some_and(|diagnosis| diagnosis.manifest.ranking.linear > 0.0)
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

    /// The network.
    pub fn predictor(&self) -> &Predictor<B> {
        &self.predictor
    }
}

impl<B: Kernels> Diagnose for Engine<B> {
    fn diagnoses(&self, at_once: usize) -> Box<dyn Diagnoses + '_> {
        Box::new(EngineDiagnoses::new(self, at_once))
    }

    fn answer_alone(&self, case: &Case) -> Result<ModelAnswer> {
        self.write_alone(case)
    }

    fn score_causes(&self, case: &Case) -> Result<Vec<Scored>> {
        let read = ReadCase::new(&self.background, case.clone(), Vec::new())?;
        Ok(read.weigh(&self.predictor)?.1)
    }

    fn generate(
        &self,
        prompt: &[u32],
        max_new_tokens: usize,
        sampling: &Sampling,
        on_token: &mut dyn FnMut(u32),
    ) -> Result<Continuation> {
        generate(&self.predictor, prompt, max_new_tokens, sampling, on_token)
    }

    fn generate_many(
        &self,
        prompts: &[Vec<u32>],
        max_new_tokens: usize,
        sampling: &Sampling,
        at_once: usize,
        on_token: &mut dyn FnMut(usize, u32),
    ) -> Result<Vec<Result<Continuation>>> {
        generate_many(&self.predictor, prompts, max_new_tokens, sampling, at_once, on_token)
    }

    fn writer(&self, texts: usize, capacity: usize) -> Box<dyn Writer + '_> {
        Box::new(EngineWriter::new(self, texts, capacity))
    }

    fn max_seq_len(&self) -> usize {
        self.predictor.config().max_seq_len
    }

    fn log_probs(&self, ids: &[u32]) -> Result<Vec<Option<f32>>> {
        log_probs(&self.predictor, ids)
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.background.tokenizer
    }

    fn manifest(&self) -> Option<&Manifest> {
        self.background.diagnosis.as_ref().map(|diagnosis| &diagnosis.manifest)
    }

    fn knowledge(&self) -> &Arc<KnowledgeBase> {
        &self.background.knowledge
    }

    fn set_knowledge(&mut self, knowledge: Arc<KnowledgeBase>) -> Result<()> {
        if let Some(diagnosis) = &mut self.background.diagnosis {
            diagnosis.rank_own_cards(&knowledge, &self.background.tokenizer)?;
        }
        self.background.cards = Arc::new(CardIndex::new(&knowledge));
        self.background.knowledge = knowledge;
        Ok(())
    }

    fn familiarity(&self, case: &Case) -> f32 {
        self.background
            .cards
            .familiarity(case, &self.background.cards.reader.read(case, &self.background.knowledge))
    }

    fn set_linear(&mut self, linear: Linear) -> Result<()> {
        let Some(diagnosis) = &mut self.background.diagnosis else { return Ok(()) };
        if linear.n_classes() != diagnosis.trained {
            let (found, trained) = (linear.n_classes(), diagnosis.trained);
            return Err(Error::Linear(format!("it tells {found} causes apart, the model {trained}")));
        }
        diagnosis.linear = Some(linear);
        Ok(())
    }

    fn set_past_cases(&mut self, cases: Vec<Case>) {
        self.background.past = PastCases::new(cases);
    }

    fn name(&self) -> &str {
        &self.background.name
    }
}
