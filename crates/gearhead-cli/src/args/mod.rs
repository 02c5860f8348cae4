//! Arguments, as they are typed.

mod bench;
mod check;
mod data;
mod devices;
mod diagnose;
mod eval;
mod export;
mod import;
mod knowledge;
mod plan;
mod serve;
mod split;
mod stats;
mod train;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gearhead::{
    device::Wanted,
    model::{self, Precision},
};

pub(crate) use bench::{Activations, BenchArgs, OptimizerDtype, Work};
pub(crate) use check::CheckArgs;
pub(crate) use data::{DataCommand, GenerateArgs as DataGenerateArgs};
pub(crate) use devices::{DevicesArgs, DoctorArgs, ProbeArgs};
pub(crate) use diagnose::{DiagnoseArgs, Found, ReportFormat};
pub(crate) use eval::EvalArgs;
pub(crate) use export::{ExportArgs, ImportModelArgs, ModelFormat};
pub(crate) use import::ImportArgs;
pub(crate) use knowledge::{
    KnowledgeArgs, KnowledgeCheckArgs, KnowledgeCommand, KnowledgeListArgs, KnowledgeShowArgs,
};
pub(crate) use plan::PlanArgs;
pub(crate) use serve::ServeArgs;
pub(crate) use split::DataSplitArgs;
pub(crate) use stats::DataStatsArgs;
pub(crate) use train::{MergeArgs, PretrainArgs, TrainArgs};

/// Diagnose heavy equipment offline with a small language model, and train it on your own records.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Diagnose one case, many from a file, or, without arguments, in a conversation.
    #[command(
        after_help = "Example:\n  gearhead diagnose --equipment \"Caterpillar 320 Excavator\" --symptom \"loses power under load\" --codes \"P0087, SPN 157 FMI 18\"\n  gearhead diagnose --equipment \"CAT 320\" --symptom \"cranks slowly\" --found battery_or_cable:2=1 --format html --out report.html"
    )]
    Diagnose(DiagnoseArgs),
    /// Say what fault codes mean.
    #[command(
        after_help = "Example:\n  gearhead codes \"SPN 157 FMI 18\" P0087 E360-2\n  gearhead codes --candump machine.log"
    )]
    Codes(CodesArgs),
    /// Make cases, bring in records, check, split and describe them.
    #[command(subcommand)]
    Data(DataCommand),
    /// Read and check fault cards, also a company's own.
    #[command(subcommand)]
    Knowledge(KnowledgeCommand),
    /// Make a tokenizer.
    #[command(subcommand)]
    Tokenizer(TokenizerCommand),
    /// Train a model on cases.
    #[command(
        after_help = "Example:\n  gearhead train --config configs/small.toml --set train.epochs=5\n  gearhead train --config configs/small.toml --set train.epochs=5 --resume"
    )]
    Train(TrainArgs),
    /// Train a model on text, before it is trained on cases.
    #[command(
        after_help = "Example:\n  gearhead pretrain manuals.txt bulletins.jsonl --config configs/pretrain.toml\n  gearhead train --config configs/small.toml --set from=outputs/pretrained/best"
    )]
    Pretrain(PretrainArgs),
    /// Put LoRA adapters into the weights of their model.
    #[command(
        after_help = "Example:\n  gearhead merge --model outputs/lora --out outputs/merged --dtype f16"
    )]
    Merge(MergeArgs),
    /// Say what memory a training will need, and choose settings with which it fits.
    #[command(
        after_help = "Example:\n  gearhead plan --config configs/small.toml\n  gearhead plan --config configs/small.toml --memory 2GB --json"
    )]
    Plan(PlanArgs),
    /// Fit how much each kind of evidence counts, without training the language model again.
    #[command(
        after_help = "Example:\n  gearhead fit --model outputs/small --train data/train.jsonl --validation data/validation.jsonl"
    )]
    Fit(FitArgs),
    /// Measure how far a model's diagnoses can be trusted, on cases whose cause is known.
    #[command(
        after_help = "Example:\n  gearhead eval --html report.html\n  gearhead eval --model outputs/mine --data data/test.jsonl --train data/train.jsonl --before outputs/old"
    )]
    Eval(EvalArgs),
    /// Log-probability of every token of a text.
    #[command(
        after_help = "Example:\n  gearhead score --model outputs/small --text \"Restricted fuel filter\" --json"
    )]
    Score(ScoreArgs),
    /// Continue a text.
    #[command(
        after_help = "Example:\n  gearhead generate --model outputs/small --prompt \"The fuel filter\" --max-new-tokens 20 --greedy\n  gearhead generate --batch prompts.jsonl --out texts.jsonl --at-once 32 --dtype q8_0"
    )]
    Generate(GenerateArgs),
    /// Write a model as a file of llama.cpp and Ollama.
    #[command(
        after_help = "Example:\n  gearhead export --model outputs/small --format gguf --dtype q8_0 --out outputs/small.gguf --verify"
    )]
    Export(ExportArgs),
    /// Bring in a model from elsewhere: a GGUF file or a Hugging Face directory of Llama, Mistral, Qwen2 or Qwen3; or the
    /// bundled one, to train on.
    #[command(
        after_help = "Example:\n  gearhead import model.gguf --out outputs/model\n  gearhead import SmolLM2-135M --case-markers --out outputs/smollm2\n  gearhead import hf:HuggingFaceTB/SmolLM2-135M --case-markers --out outputs/smollm2\n  gearhead import bundled --out outputs/bundled"
    )]
    Import(ImportModelArgs),
    /// Answer diagnoses over HTTP, and show a page for them.
    #[command(
        after_help = "Example:\n  gearhead serve --addr 127.0.0.1:8080\n  gearhead serve --addr 0.0.0.0:8080 --keys keys.txt\n  curl -d '{\"equipment\": \"CAT 320\", \"symptom\": \"low power\"}' http://127.0.0.1:8080/v1/diagnose"
    )]
    Serve(ServeArgs),
    /// List the backends of this build, what they run on, and GPUs that this build cannot use.
    #[command(
        after_help = "Example:\n  gearhead devices --measure\n  gearhead devices --explain --memory 4GB"
    )]
    Devices(DevicesArgs),
    /// Look for what is missing or in the way of computing here, and say how to mend it.
    #[command(after_help = "Example:\n  gearhead doctor --json")]
    Doctor(DoctorArgs),
    /// Answer a question about a backend's driver, in a process that may crash.
    #[command(hide = true)]
    Probe(ProbeArgs),
    /// Measure how fast this machine trains and generates.
    #[command(
        after_help = "Example:\n  gearhead bench --work training,diagnosis\n  gearhead bench --model outputs/mine --work generation --batch 1,8 --json"
    )]
    Bench(BenchArgs),
}

impl Command {
    /// The devices that the command is to compute on; none where it computes nothing.
    pub(crate) fn devices(&self) -> Vec<Wanted> {
        match self {
            Self::Diagnose(args) => vec![args.engine.model.device],
            Self::Eval(args) => vec![args.engine.model.device],
            Self::Serve(args) => vec![args.engine.model.device],
            Self::Train(args) | Self::Pretrain(PretrainArgs { train: args, .. }) => args.device.clone(),
            Self::Merge(args) => vec![args.device],
            Self::Plan(args) => vec![args.device],
            Self::Fit(args) => vec![args.device],
            Self::Score(args) => vec![args.model.device],
            Self::Generate(args) => vec![args.model.device],
            Self::Export(args) => vec![args.device],
            Self::Bench(args) => vec![args.model.device],
            Self::Codes(_)
            | Self::Data(_)
            | Self::Knowledge(_)
            | Self::Tokenizer(_)
            | Self::Import(_)
            | Self::Devices(_)
            | Self::Doctor(_)
            | Self::Probe(_) => Vec::new(),
        }
    }

    /// Whether errors are to be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Diagnose(args) => args.report_format() == ReportFormat::Json,
            Self::Codes(args) => args.json,
            Self::Data(command) => command.wants_json(),
            Self::Knowledge(command) => command.wants_json(),
            Self::Tokenizer(TokenizerCommand::Train(args)) => args.json,
            Self::Train(args) | Self::Pretrain(PretrainArgs { train: args, .. }) => args.json,
            Self::Plan(args) => args.json,
            Self::Fit(args) => args.json,
            Self::Eval(args) => args.json,
            Self::Score(args) => args.json,
            Self::Generate(args) => args.json,
            Self::Export(args) => args.json,
            Self::Import(args) => args.json,
            Self::Serve(_) | Self::Merge(_) | Self::Probe(_) => false,
            Self::Devices(args) => args.json,
            Self::Doctor(args) => args.json,
            Self::Bench(args) => args.json,
        }
    }
}

/// Which model, and where it runs.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelArgs {
    /// Model directory, or the output folder of a training [default: the bundled model]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda:N, rocm:N, metal, vulkan:N, wgpu:N, tch-cuda:N, tch-mps, tch-cpu
    #[arg(long, default_value = "auto")]
    pub(crate) device: Wanted,
    /// How the weights are stored while the program runs: in fewer bits a model is smaller and writes faster
    #[arg(long, value_enum, default_value_t)]
    pub(crate) dtype: WeightDtype,
    /// How keys and values of what was read are stored
    #[arg(long, value_enum, default_value_t)]
    pub(crate) cache_dtype: CacheDtype,
}

impl ModelArgs {
    pub(crate) fn precision(&self) -> Precision {
        let weights = match self.dtype {
            WeightDtype::F32 => model::WeightDtype::F32,
            WeightDtype::F16 => model::WeightDtype::F16,
            WeightDtype::Bf16 => model::WeightDtype::Bf16,
            WeightDtype::Q8_0 => model::WeightDtype::Q8_0,
            WeightDtype::Q4_0 => model::WeightDtype::Q4_0,
        };
        let cache = match self.cache_dtype {
            CacheDtype::F32 => model::CacheDtype::F32,
            CacheDtype::F16 => model::CacheDtype::F16,
            CacheDtype::Q8 => model::CacheDtype::Q8,
        };
        Precision { weights, cache }
    }
}

/// How weights are stored.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum WeightDtype {
    /// 32 bit
    #[default]
    F32,
    /// 16 bit, IEEE 754
    F16,
    /// 16 bit, the upper half of an f32; what most models of the Hub are stored in
    Bf16,
    /// 8 bit, with a scale for each 32 weights
    #[value(name = "q8_0")]
    Q8_0,
    /// 4 bit, with a scale for each 32 weights
    #[value(name = "q4_0")]
    Q4_0,
}

/// How keys and values are stored.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum CacheDtype {
    /// 32 bit
    #[default]
    F32,
    /// 16 bit
    F16,
    /// 8 bit, with a scale for each head of a token
    Q8,
}

/// Which model, where it runs, and what it goes by beside what it learned.
#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) knowledge: KnowledgeArgs,
    /// Own past records, JSONL or a JSON list, that similar cases are found in and that speak for what they were
    /// [default: those kept with the model]
    #[arg(long, value_name = "FILE")]
    pub(crate) past_cases: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CodesArgs {
    /// Codes as they are written, each argument one or a list
    #[arg(required_unless_present = "candump", value_name = "CODE")]
    pub(crate) codes: Vec<String>,
    /// List the codes of a log instead: candump, PEAK .trc, Vector .asc, CSV, OBD-II responses, AEMP 2.0 in XML or JSON
    #[arg(long, value_name = "LOG", conflicts_with = "codes")]
    pub(crate) candump: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) knowledge: KnowledgeArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenizerCommand {
    /// Train a byte-level BPE tokenizer on the texts of case files.
    #[command(
        after_help = "Example:\n  gearhead tokenizer train data/train.jsonl --vocab-size 2048 --out outputs/tokenizer.json"
    )]
    Train(TokenizerTrainArgs),
}

#[derive(Debug, Args)]
pub(crate) struct FitArgs {
    /// Model directory, or the output folder of a training; its `gearhead.json` and `linear.gearhead` are written anew
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Where to compute: auto, cpu, cuda:N, rocm:N, metal, vulkan:N, wgpu:N, tch-cuda:N, tch-mps, tch-cpu
    #[arg(long, default_value = "auto")]
    pub(crate) device: Wanted,
    /// Cases from which it is learned what single words and codes tell
    #[arg(long, value_name = "FILE")]
    pub(crate) train: PathBuf,
    /// Cases on which it is chosen how much each kind of evidence counts
    #[arg(long, value_name = "FILE")]
    pub(crate) validation: PathBuf,
    /// The same seed gives the same weights
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokenizerTrainArgs {
    /// Case files, JSONL or a JSON list
    #[arg(required_unless_present = "text", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Files of other text too: plain, or JSONL with the field `text`
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) text: Vec<PathBuf>,
    /// Tokens, the 256 bytes and the markers among them
    #[arg(long, default_value_t = 2048)]
    pub(crate) vocab_size: usize,
    /// A pair of tokens seen less often is never joined
    #[arg(long, default_value_t = 2)]
    pub(crate) min_frequency: u64,
    /// The tokenizer.json to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A text or its token ids.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ScoreInput {
    /// Text to score
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// Token ids to score
    #[arg(long, value_delimiter = ',')]
    pub(crate) ids: Option<Vec<u32>>,
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) input: ScoreInput,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A text or its token ids.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct GenerateInput {
    /// Text to continue
    #[arg(long)]
    pub(crate) prompt: Option<String>,
    /// Token ids to continue
    #[arg(long, value_delimiter = ',')]
    pub(crate) ids: Option<Vec<u32>>,
    /// Many at once: JSONL with a `prompt` or `ids` in each line
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with = "json")]
    pub(crate) batch: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) input: GenerateInput,
    /// Where the texts of a batch go: JSONL, a line for each, in their order
    #[arg(long, value_name = "FILE", requires = "batch", conflicts_with_all = ["prompt", "ids"])]
    pub(crate) out: Option<PathBuf>,
    /// Texts of a batch that are written at a time
    #[arg(long, value_name = "N", default_value_t = 16, conflicts_with_all = ["prompt", "ids"], value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) at_once: u32,
    /// The most tokens to add
    #[arg(long, default_value_t = 64)]
    pub(crate) max_new_tokens: usize,
    /// Always take the most probable token
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p", "min_p", "seed"])]
    pub(crate) greedy: bool,
    /// Logits are divided by it; 0 is greedy
    #[arg(long, default_value_t = 0.8)]
    pub(crate) temperature: f32,
    /// Only the K most probable tokens; 0 for all
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) top_k: usize,
    /// Only the most probable tokens that together reach P
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    pub(crate) top_p: f32,
    /// Only tokens of at least P times the probability of the most probable
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub(crate) min_p: f32,
    /// The same seed gives the same text
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
