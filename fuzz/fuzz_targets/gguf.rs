//! GGUF files: metadata, tensors, and the shape of a model.

#![no_main]

use gearhead_model::gguf::{GgufFile, GgufModel, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = GgufFile::from_memory(bytes.to_vec(), "fuzz.gguf");
    let Ok(gguf) = file.contents() else { return };
    for (_, value) in gguf.metadata() {
        if let Value::Array(array) = value {
            assert_eq!(array.iter().count(), array.len());
        }
    }
    for (_, tensor) in gguf.tensors() {
        let count: usize = tensor.shape.iter().product();
        assert_eq!(tensor.ggml_type.expand(tensor.bytes).len(), count);
    }
    drop(gguf);
    let _ = GgufModel::new(file).map(|model| model.config().validate());
});
