//! From a conversation to the tokens that a model goes on from.

use gearhead_data::tokenizer::Markers;
use serde::Serialize;

use super::{case_chat, unsupported};
use crate::{App, failure::Failure};

/// What someone said.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(crate) struct Message {
    pub(super) role: String,
    pub(super) content: String,
}

/// The prompt of a conversation: by the model's own template, or, for a model that knows cases only, the case that the
/// conversation tells. The markers are those of the answer's sections.
pub(super) fn of_chat(app: &App, messages: &[Message]) -> Result<(Vec<u32>, Option<Markers>), Failure> {
    let tokenizer = &app.model.tokenizer;
    let wrong = |error: gearhead_data::Error| Failure::bad_request(error.to_string());
    if let Some(template) = &app.settings.chat_template {
        for (index, message) in messages.iter().enumerate() {
            if let Some(mark) = tokenizer.special_in(&message.content) {
                let message = format!("`messages[{index}]` holds `{mark}`, a mark of the model's own");
                return Err(Failure::bad_request(message));
            }
        }
        let text = template.render(messages).map_err(Failure::bad_request)?;
        return Ok((tokenizer.encode_marked(&text).map_err(wrong)?, None));
    }
    let Some(markers) = tokenizer.markers() else {
        return Err(unsupported("the model has no chat template: use /v1/completions"));
    };
    let case = case_chat::case(messages)?;
    let prompt = gearhead_data::prompt::encode_prompt(tokenizer, &case).map_err(wrong)?;
    Ok((prompt, Some(markers)))
}
