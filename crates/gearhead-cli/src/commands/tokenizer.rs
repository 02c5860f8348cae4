//! `gearhead tokenizer`: vocabularies.

use gearhead::data::{case::read_cases, corpus::read_texts, prompt::texts, tokenizer::Tokenizer};
use serde_json::json;

use crate::{args::TokenizerTrainArgs, failure::Failure, output};

pub(crate) fn train(args: &TokenizerTrainArgs) -> Result<(), Failure> {
    let mut all: Vec<String> = Vec::new();
    for file in &args.files {
        all.extend(read_cases(file)?.iter().flat_map(|case| texts(case).collect::<Vec<_>>()));
    }
    for file in &args.text {
        all.extend(read_texts(file)?);
    }
    let tokenizer = Tokenizer::train(all.iter(), args.vocab_size, args.min_frequency)?;
    tokenizer.save(&args.out)?;
    let size = tokenizer.vocab_size();
    if args.json {
        return output::json(&json!({ "path": args.out, "vocab_size": size, "texts": all.len() }));
    }
    output::text(format_args!("{}: {size} tokens from {} texts", args.out.display(), all.len()))
}
