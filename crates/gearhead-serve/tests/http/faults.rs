//! A program that fails on a case, and on the whole batch of one.

use std::{collections::HashSet, sync::Arc};

use axum::{Router, http::StatusCode};
use gearhead_data::{
    case::Case, knowledge::KnowledgeBase, likeness::Linear, manifest::Manifest, tokenizer::Tokenizer,
};
use gearhead_infer::{
    Diagnose, Result,
    decode::Continuation,
    engine::{Diagnosed, Diagnoses, Finding, Scored, Stage, Writer},
    report::ModelAnswer,
    sampling::Sampling,
};
use gearhead_serve::{Settings, router};
use serde_json::json;

use crate::service::{diagnose, engine, json_of};

/// A complaint on which the program fails as soon as its causes are ranked.
const FAILS: &str = "loses power under load and fails";
/// A complaint on which all that are under way with it fail.
const ALL_FAIL: &str = "loses power and all of them fail";

/// An engine that has faults.
struct Faulty(Box<dyn Diagnose + Send>);

struct FaultyDiagnoses<'a> {
    sound: Box<dyn Diagnoses + 'a>,
    failing: HashSet<usize>,
    all_fail: bool,
}

impl Diagnoses for FaultyDiagnoses<'_> {
    fn submit(&mut self, case: Case, findings: Vec<Finding>) -> usize {
        let fails = case.symptom.contains(FAILS);
        self.all_fail |= case.symptom.contains(ALL_FAIL);
        let number = self.sound.submit(case, findings);
        if fails {
            self.failing.insert(number);
        }
        number
    }

    fn cancel(&mut self, number: usize) {
        self.sound.cancel(number);
    }

    fn step(&mut self, on_stage: &mut dyn FnMut(usize, Stage)) -> Vec<(usize, Result<Diagnosed>)> {
        assert!(!self.all_fail, "a fault");
        let failing = &self.failing;
        self.sound.step(&mut |number, stage| {
            assert!(!failing.contains(&number) || !matches!(stage, Stage::Ranked { .. }), "a fault");
            on_stage(number, stage);
        })
    }

    fn is_idle(&self) -> bool {
        self.sound.is_idle()
    }
}

impl Diagnose for Faulty {
    fn diagnoses(&self, at_once: usize) -> Box<dyn Diagnoses + '_> {
        let sound = self.0.diagnoses(at_once);
        Box::new(FaultyDiagnoses { sound, failing: HashSet::new(), all_fail: false })
    }

    fn answer_alone(&self, case: &Case) -> Result<ModelAnswer> {
        self.0.answer_alone(case)
    }

    fn familiarity(&self, case: &Case) -> f32 {
        self.0.familiarity(case)
    }

    fn score_causes(&self, case: &Case) -> Result<Vec<Scored>> {
        self.0.score_causes(case)
    }

    fn generate(
        &self,
        prompt: &[u32],
        max_new_tokens: usize,
        sampling: &Sampling,
        on_token: &mut dyn FnMut(u32),
    ) -> Result<Continuation> {
        self.0.generate(prompt, max_new_tokens, sampling, on_token)
    }

    fn generate_many(
        &self,
        prompts: &[Vec<u32>],
        max_new_tokens: usize,
        sampling: &Sampling,
        at_once: usize,
        on_token: &mut dyn FnMut(usize, u32),
    ) -> Result<Vec<Result<Continuation>>> {
        self.0.generate_many(prompts, max_new_tokens, sampling, at_once, on_token)
    }

    fn writer(&self, texts: usize, capacity: usize) -> Box<dyn Writer + '_> {
        self.0.writer(texts, capacity)
    }

    fn max_seq_len(&self) -> usize {
        self.0.max_seq_len()
    }

    fn log_probs(&self, ids: &[u32]) -> Result<Vec<Option<f32>>> {
        self.0.log_probs(ids)
    }

    fn tokenizer(&self) -> &Tokenizer {
        self.0.tokenizer()
    }

    fn manifest(&self) -> Option<&Manifest> {
        self.0.manifest()
    }

    fn knowledge(&self) -> &Arc<KnowledgeBase> {
        self.0.knowledge()
    }

    fn set_knowledge(&mut self, knowledge: Arc<KnowledgeBase>) -> Result<()> {
        self.0.set_knowledge(knowledge)
    }

    fn set_linear(&mut self, linear: Linear) -> Result<()> {
        self.0.set_linear(linear)
    }

    fn set_past_cases(&mut self, cases: Vec<Case>) {
        self.0.set_past_cases(cases);
    }

    fn name(&self) -> &str {
        self.0.name()
    }
}

async fn status_of(service: &Router, symptom: &str) -> StatusCode {
    let body = json!({"equipment": "CAT 320", "symptom": symptom, "error_codes": ["P0087"]}).to_string();
    let (status, body) = json_of(service, diagnose(body)).await;
    if status != StatusCode::OK {
        assert_eq!(body["error"]["kind"], "failed", "{body}");
    }
    status
}

#[tokio::test]
async fn a_fault_with_one_case_is_answered_and_so_are_the_others() {
    let service = router(Box::new(Faulty(engine())), Settings::default()).unwrap();
    let [power, fails, smoke] = ["low power", FAILS, "black smoke"].map(|text| status_of(&service, text));
    let answers = tokio::join!(power, fails, smoke);
    assert_eq!(answers, (StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK));
}

#[tokio::test]
async fn after_a_fault_with_all_cases_the_service_answers_the_next() {
    let service = router(Box::new(Faulty(engine())), Settings::default()).unwrap();
    let (power, fails) = tokio::join!(status_of(&service, "low power"), status_of(&service, ALL_FAIL));
    assert_eq!(fails, StatusCode::INTERNAL_SERVER_ERROR);
    // Whether it was under way by then is a matter of time.
    assert!([StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR].contains(&power));
    assert_eq!(status_of(&service, "low power").await, StatusCode::OK);
}
