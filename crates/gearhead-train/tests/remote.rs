//! Two devices behind a network share a step: Burn's server and client, both on this machine.

use burn::{
    backend::{Autodiff, Flex, RemoteBackend, flex::FlexDevice, remote::RemoteDevice},
    server::start_websocket_async,
};
use gearhead_data::prompt::Document;
use gearhead_model::{Decoder, ModelConfig, for_each_parameter};
use gearhead_train::{
    config::TrainConfig,
    gradients::{shared_step_gradients, step_gradients},
    optimizer::AdamW,
};

fn documents() -> Vec<Document> {
    let document =
        |length: u32| Document::text((0..length).map(|place| (place * place * 7 + length) % 120).collect());
    [3, 17, 9, 12].map(document).to_vec()
}

fn model() -> ModelConfig {
    ModelConfig { d_model: 16, n_layers: 2, n_heads: 2, n_kv_heads: 1, d_ff: 24, ..ModelConfig::new(120) }
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

#[test]
fn two_devices_behind_a_network_take_the_step_of_one_here() {
    let documents = documents();
    let documents: Vec<&Document> = documents.iter().collect();
    let config = TrainConfig::default();
    let weights = |decoder: &mut dyn FnMut(&mut Vec<f32>)| {
        let mut all = Vec::new();
        decoder(&mut all);
        all
    };

    let decoder = Decoder::<Autodiff<Flex>>::init(&model(), 4, &FlexDevice).expect("the sizes fit");
    let expected = step_gradients(&decoder, &documents, &config);
    let (loss, norm) = (expected.loss, expected.grad_norm);
    let decoder = AdamW::default().step(decoder, expected, 1e-2, &config);
    let expected = weights(&mut |all| {
        for_each_parameter(&decoder, |_, _, data| all.extend(data.iter::<f32>()));
    });

    let runtime = tokio::runtime::Runtime::new().expect("the machine has threads");
    let devices = [free_port(), free_port()].map(|port| {
        runtime.spawn(start_websocket_async::<Flex>(FlexDevice, port));
        RemoteDevice::new(&format!("ws://127.0.0.1:{port}"))
    });
    let decoder = Decoder::<Autodiff<RemoteBackend>>::init(&model(), 4, &devices[0]).expect("the sizes fit");
    let shared = shared_step_gradients(&decoder, &documents, &config, &devices[1..]);
    assert!((shared.loss - loss).abs() < 1e-5 * loss, "{}, not {loss}", shared.loss);
    assert!((shared.grad_norm - norm).abs() < 1e-4 * norm, "{}, not {norm}", shared.grad_norm);
    let decoder = AdamW::default().step(decoder, shared, 1e-2, &config);
    let ours = weights(&mut |all| {
        for_each_parameter(&decoder, |_, _, data| all.extend(data.iter::<f32>()));
    });
    assert_eq!(ours.len(), expected.len());
    for (ours, expected) in ours.iter().zip(&expected) {
        assert!((ours - expected).abs() < 1e-4, "{ours}, not {expected}");
    }
    runtime.shutdown_background();
}
