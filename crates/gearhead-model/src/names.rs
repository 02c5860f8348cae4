//! Parameters by their Hugging Face names.

use burn::{
    module::{Module, ModuleVisitor, Param, ParamId},
    tensor::{Tensor, TensorData, backend::Backend},
};

use crate::decoder::Decoder;

/// Calls `f` with the name, the id and the values of every parameter, in the order of the layers.
pub fn for_each_parameter<B: Backend>(decoder: &Decoder<B>, f: impl FnMut(&str, ParamId, TensorData)) {
    struct Visitor<F> {
        path: Vec<String>,
        f: F,
    }
    impl<B: Backend, F: FnMut(&str, ParamId, TensorData)> ModuleVisitor<B> for Visitor<F> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            (self.f)(&self.path.join("."), param.id, param.val().into_data());
        }
    }
    decoder.visit(&mut Visitor { path: Vec::new(), f });
}
