//! An engine that does not finish before it is told to.

use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
};

use gearhead_data::{
    case::Case, knowledge::KnowledgeBase, likeness::Linear, manifest::Manifest, tokenizer::Tokenizer,
};
use gearhead_infer::{
    Diagnose, Error, Report,
    decode::Continuation,
    engine::{Finding, Scored, Stage, Writer},
    report::ModelAnswer,
    sampling::Sampling,
};

/// An engine that says when it begins a case, and does not finish it before it is told to.
pub(crate) struct Slow {
    begun: Sender<()>,
    go_on: Mutex<Receiver<()>>,
    knowledge: Arc<KnowledgeBase>,
    tokenizer: Tokenizer,
}

/// The other end: what the engine has begun, and the word to go on.
pub(crate) struct Handle {
    pub(crate) begun: Receiver<()>,
    pub(crate) go_on: Sender<()>,
}

impl Slow {
    pub(crate) fn engine() -> (Box<dyn Diagnose + Send>, Handle) {
        let ((begun, has_begun), (go, go_on)) = (channel(), channel());
        let tokenizer = Tokenizer::train(["low power"; 20].iter(), 280, 2).unwrap();
        let slow = Self { begun, go_on: Mutex::new(go_on), knowledge: KnowledgeBase::shared(), tokenizer };
        (Box::new(slow), Handle { begun: has_begun, go_on: go })
    }
}

impl Diagnose for Slow {
    fn diagnose_observed(&self, _: &Case, _: &[Finding], _: &mut dyn FnMut(Stage)) -> Result<Report, Error> {
        self.begun.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        Err(Error::EmptyPrompt)
    }

    fn writer(&self, _: usize, _: usize) -> Box<dyn Writer + '_> {
        unreachable!("the tests of this engine only diagnose")
    }

    fn max_seq_len(&self) -> usize {
        100
    }

    fn score_causes(&self, _: &Case) -> Result<Vec<Scored>, Error> {
        unreachable!("the tests of this engine only diagnose")
    }

    fn generate(
        &self,
        _: &[u32],
        _: usize,
        _: &Sampling,
        _: &mut dyn FnMut(u32),
    ) -> Result<Continuation, Error> {
        unreachable!("the tests of this engine only diagnose")
    }

    fn generate_many(
        &self,
        _: &[Vec<u32>],
        _: usize,
        _: &Sampling,
        _: usize,
        _: &mut dyn FnMut(usize, u32),
    ) -> Result<Vec<Result<Continuation, Error>>, Error> {
        unreachable!("the tests of this engine only diagnose")
    }

    fn log_probs(&self, _: &[u32]) -> Result<Vec<Option<f32>>, Error> {
        unreachable!("the tests of this engine only diagnose")
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn manifest(&self) -> Option<&Manifest> {
        None
    }

    fn knowledge(&self) -> &Arc<KnowledgeBase> {
        &self.knowledge
    }

    fn answer_alone(&self, _: &Case) -> Result<ModelAnswer, Error> {
        unreachable!("the tests of this engine only diagnose")
    }

    fn familiarity(&self, _: &Case) -> f32 {
        unreachable!("the tests of this engine only diagnose")
    }

    fn set_linear(&mut self, _: Linear) -> Result<(), Error> {
        unreachable!("the tests of this engine only diagnose")
    }

    fn set_past_cases(&mut self, _: Vec<Case>) {
        unreachable!("the tests of this engine only diagnose")
    }

    fn set_knowledge(&mut self, _: Arc<KnowledgeBase>) -> Result<(), Error> {
        unreachable!("the tests of this engine only diagnose")
    }

    fn name(&self) -> &'static str {
        "slow"
    }
}
