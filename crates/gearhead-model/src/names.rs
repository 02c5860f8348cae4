//! Parameters by their Hugging Face names.

use burn::{
    module::{Module, ModuleVisitor, Param, ParamId},
    tensor::{Tensor, TensorData, backend::Backend},
};

use crate::decoder::Decoder;

/// Calls `f` with the name, the id and the values of every parameter, in the order of the layers.
pub fn for_each_parameter<B: Backend>(decoder: &Decoder<B>, f: impl FnMut(&str, ParamId, TensorData)) {
    struct Values<F>(F);
    impl<B: Backend, F: FnMut(&str, ParamId, TensorData)> VisitParameters<B> for Values<F> {
        fn visit<const D: usize>(&mut self, name: &str, param: &Param<Tensor<B, D>>) {
            (self.0)(name, param.id, param.val().into_data());
        }
    }
    visit_parameters(decoder, &mut Values(f));
}

/// What is done with every parameter.
pub trait VisitParameters<B: Backend> {
    /// A parameter and its name.
    fn visit<const D: usize>(&mut self, name: &str, param: &Param<Tensor<B, D>>);
}

/// Shows every parameter with its name, in the order of the layers.
pub fn visit_parameters<B: Backend>(decoder: &Decoder<B>, visit: &mut impl VisitParameters<B>) {
    struct Visitor<'a, V> {
        path: Vec<String>,
        visit: &'a mut V,
    }
    impl<B: Backend, V: VisitParameters<B>> ModuleVisitor<B> for Visitor<'_, V> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            self.visit.visit(&self.path.join("."), param);
        }
    }
    decoder.visit(&mut Visitor { path: Vec::new(), visit });
}
