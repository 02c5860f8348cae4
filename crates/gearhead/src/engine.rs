//! The engine on whatever device was chosen.

use std::{fs, path::Path, sync::Arc};

use burn::tensor::backend::AutodiffBackend;
use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    manifest::{LINEAR, MANIFEST, Manifest},
    tokenizer::Tokenizer,
};
use gearhead_device::{Device, Job, run};
use gearhead_infer::{Diagnose, Report};
use gearhead_kernels::AutodiffKernels;
use gearhead_model::{ModelDirectory, Precision, directory::write_directory};

use crate::Result;

/// What the reports call the model that is compiled in.
const BUNDLED: &str = "bundled";
const BUNDLED_CONFIG: &[u8] = include_bytes!("../bundled/config.json");
const BUNDLED_WEIGHTS: &[u8] = include_bytes!("../bundled/model.safetensors");
const BUNDLED_TOKENIZER: &[u8] = include_bytes!("../bundled/tokenizer.json");
const BUNDLED_LINEAR: &[u8] = include_bytes!("../bundled/linear.gearhead");
const BUNDLED_MANIFEST: &[u8] = include_bytes!("../bundled/gearhead.json");
const BUNDLED_TOKENIZER_CONFIG: &[u8] = include_bytes!("../bundled/tokenizer_config.json");
const BUNDLED_CARD: &[u8] = include_bytes!("../bundled/README.md");

/// A model that is ready to diagnose.
pub struct Engine {
    inner: Box<dyn Diagnose + Send>,
}

impl Engine {
    /// The model that is compiled in, on the device that `auto` picks.
    ///
    /// # Errors
    ///
    /// No backend is compiled in.
    pub fn bundled() -> Result<Self> {
        Self::bundled_on(&"auto".parse()?)
    }

    /// The model that is compiled in, on a device.
    ///
    /// # Errors
    ///
    /// The device cannot hold it.
    pub fn bundled_on(device: &Device) -> Result<Self> {
        Self::bundled_in(Precision::default(), device)
    }

    /// The model that is compiled in, in a precision, on a device.
    ///
    /// # Errors
    ///
    /// The device cannot hold it.
    pub fn bundled_in(precision: Precision, device: &Device) -> Result<Self> {
        run(device, Load { what: What::Bundled, precision })
    }

    /// A model directory, or the output folder of a training, on a device.
    ///
    /// # Errors
    ///
    /// Names the file that is missing or wrong.
    pub fn open(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Self::open_in(path, Precision::default(), device)
    }

    /// The same in a precision: with weights in 8 or 4 bits a model is smaller and writes faster.
    ///
    /// # Errors
    ///
    /// Names the file that is missing or wrong, or the size of the model that does not suit the precision.
    pub fn open_in(path: impl AsRef<Path>, precision: Precision, device: &Device) -> Result<Self> {
        run(device, Load { what: What::Directory(path.as_ref()), precision })
    }

    /// As [`open`](Self::open), without the linear model: for whoever learns and fits it anew.
    pub(crate) fn open_to_fit(path: &Path, device: &Device) -> Result<Self> {
        run(device, Load { what: What::ToFit(path), precision: Precision::default() })
    }

    /// The engine with a company's own knowledge in place of what is compiled in: see
    /// [`KnowledgeBase::with_folder`] and [`Diagnose::set_knowledge`].
    ///
    /// # Errors
    ///
    /// A card's title cannot be tokenized.
    pub fn with_knowledge(mut self, knowledge: KnowledgeBase) -> Result<Self> {
        self.inner.set_knowledge(Arc::new(knowledge))?;
        Ok(self)
    }

    /// The engine with past cases that it finds again and goes by: see [`Diagnose::set_past_cases`].
    #[must_use]
    pub fn with_past_cases(mut self, cases: Vec<Case>) -> Self {
        self.inner.set_past_cases(cases);
        self
    }

    /// Diagnoses one case.
    ///
    /// # Errors
    ///
    /// The case is not valid or does not fit the model.
    pub fn diagnose(&self, case: &Case) -> Result<Report> {
        Ok(self.inner.diagnose(case)?)
    }

    /// Everything else that the engine can do.
    pub fn as_diagnose(&self) -> &dyn Diagnose {
        self.inner.as_ref()
    }

    /// The engine for someone who wants to own it, such as a service.
    pub fn into_diagnose(self) -> Box<dyn Diagnose + Send> {
        self.inner
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("model", &self.inner.name()).finish_non_exhaustive()
    }
}

/// The directory of the bundled model.
pub(crate) fn bundled_directory() -> Result<ModelDirectory> {
    Ok(ModelDirectory::from_memory(BUNDLED_CONFIG, BUNDLED_WEIGHTS, BUNDLED)?)
}

/// The tokenizer of the bundled model.
pub(crate) fn bundled_tokenizer() -> Result<Tokenizer> {
    Ok(Tokenizer::from_bytes(BUNDLED_TOKENIZER, Path::new(BUNDLED).join("tokenizer.json"))?)
}

/// Writes the bundled model as a model directory, in the place of an older one: for a training that goes on from it, and for
/// programs that open such directories.
///
/// # Errors
///
/// The directory cannot be written.
pub fn write_bundled(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let files = [
        ("config.json", BUNDLED_CONFIG),
        ("model.safetensors", BUNDLED_WEIGHTS),
        ("tokenizer.json", BUNDLED_TOKENIZER),
        ("tokenizer_config.json", BUNDLED_TOKENIZER_CONFIG),
        (LINEAR, BUNDLED_LINEAR),
        (MANIFEST, BUNDLED_MANIFEST),
        ("README.md", BUNDLED_CARD),
    ];
    let fill = |folder: &Path| files.iter().try_for_each(|(name, bytes)| fs::write(folder.join(name), bytes));
    let io = |source| gearhead_model::Error::Io { path: path.to_owned(), source };
    Ok(write_directory(path, fill).map_err(io)?)
}

/// What is to be loaded, and how its numbers are to be stored.
struct Load<'a> {
    what: What<'a>,
    precision: Precision,
}

enum What<'a> {
    Bundled,
    Directory(&'a Path),
    ToFit(&'a Path),
}

impl Job for Load<'_> {
    type Output = Result<Engine>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Result<Engine> {
        type Inner<B> = gearhead_infer::Engine<<B as AutodiffBackend>::InnerBackend>;
        let precision = self.precision;
        let engine = match self.what {
            What::Directory(path) => Inner::<B>::open(path, precision, device)?,
            What::ToFit(path) => Inner::<B>::open_to_fit(path, precision, device)?,
            What::Bundled => {
                let directory = bundled_directory()?;
                let path = Path::new(BUNDLED);
                let tokenizer = bundled_tokenizer()?;
                let manifest = Manifest::from_json(BUNDLED_MANIFEST, &path.join(MANIFEST))?;
                let mut engine =
                    Inner::<B>::new(&directory, tokenizer, Some(manifest), BUNDLED, precision, device)?;
                engine.set_stored_linear(BUNDLED_LINEAR)?;
                engine
            }
        };
        Ok(Engine { inner: Box::new(engine) })
    }
}
