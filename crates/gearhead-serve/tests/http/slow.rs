//! An engine that does not finish before it is told to.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
};

use gearhead_data::{
    case::Case, knowledge::KnowledgeBase, likeness::Linear, manifest::Manifest, tokenizer::Tokenizer,
};
use gearhead_infer::{
    Diagnose, Error,
    decode::Continuation,
    engine::{Diagnosed, Diagnoses, Finding, Scored, Stage, Writer},
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

/// Does one case after the other.
struct SlowDiagnoses<'a> {
    engine: &'a Slow,
    asked: VecDeque<usize>,
    submitted: usize,
}

impl Diagnoses for SlowDiagnoses<'_> {
    fn submit(&mut self, _: Case, _: Vec<Finding>) -> usize {
        self.asked.push_back(self.submitted);
        self.submitted += 1;
        self.submitted - 1
    }

    fn cancel(&mut self, number: usize) {
        self.asked.retain(|asked| *asked != number);
    }

    fn step(&mut self, _: &mut dyn FnMut(usize, Stage)) -> Vec<(usize, Result<Diagnosed, Error>)> {
        let Some(number) = self.asked.pop_front() else { return Vec::new() };
        self.engine.begun.send(()).unwrap();
        self.engine.go_on.lock().unwrap().recv().unwrap();
        vec![(number, Err(Error::EmptyPrompt))]
    }

    fn is_idle(&self) -> bool {
        self.asked.is_empty()
    }
}

impl Diagnose for Slow {
    fn diagnoses(&self, _: usize) -> Box<dyn Diagnoses + '_> {
        Box::new(SlowDiagnoses { engine: self, asked: VecDeque::new(), submitted: 0 })
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
