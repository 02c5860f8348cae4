//! What holds for any tokens: cached is uncached, however they come; nothing sees the future or its neighbours.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fixture;

use burn::backend::Flex;
use gearhead_kernels::Documents;
use gearhead_model::{CacheDtype, Decoder, Family, KvCache, ModelConfig, Precision, Predictor, WeightDtype};
use proptest::prelude::*;

use fixture::{MODELS, assert_rows_close, decoder, directory, packed, rows};

/// Some sequence of ids below 97, another for each `seed`.
fn sequence(len: usize, seed: usize) -> Vec<u32> {
    (0..len).map(|index| ((index * (31 + 2 * seed) + 7 * seed + index * index) % 97) as u32).collect()
}

/// A model made ready to predict as it is.
fn predictor(decoder: &Decoder<Flex>) -> Predictor<Flex> {
    Predictor::new(decoder, Precision::default()).unwrap()
}

/// The logits of as many new tokens for every sequence of the cache, row after row.
fn cached(decoder: &Decoder<Flex>, ids: &[u32], cache: &mut KvCache<Flex>) -> Vec<Vec<f32>> {
    let new: Vec<_> = ids.chunks(ids.len() / cache.sequences()).enumerate().collect();
    let predictor = predictor(decoder);
    rows(predictor.logits(predictor.forward(&new, cache)))
}

/// Panics where logits differ by more than rounding: 1e-5 of the largest. A token whose hidden state is nearly zero
/// before a norm magnifies f32 rounding to a third of that, against float64 as much as against each other.
fn assert_same(what: &str, ours: &[Vec<f32>], expected: &[Vec<f32>]) {
    let largest = expected.iter().flatten().fold(0.0_f32, |largest, logit| largest.max(logit.abs()));
    assert_rows_close(what, ours, expected, 1e-5 * largest);
}

/// Reads a sequence in chunks of the given lengths.
fn in_chunks(decoder: &Decoder<Flex>, ids: &[u32], chunks: &[usize]) -> Vec<Vec<f32>> {
    let mut cache = predictor(decoder).cache(1, ids.len() + 3);
    let mut rest = ids;
    let mut logits = Vec::new();
    for chunk in chunks {
        let (new, later) = rest.split_at(*chunk);
        logits.extend(cached(decoder, new, &mut cache));
        rest = later;
    }
    assert!(rest.is_empty());
    assert_eq!(cache.len(0), ids.len());
    logits
}

#[test]
fn cached_is_uncached_in_any_chunks() {
    let ids = sequence(17, 1);
    for model in MODELS {
        let decoder = decoder::<Flex>(model);
        let expected = packed(&decoder, &ids);
        for chunks in [&[1; 17][..], &[5, 12], &[17], &[1, 16], &[16, 1], &[3, 1, 9, 4]] {
            assert_same(&format!("{model} in {chunks:?}"), &in_chunks(&decoder, &ids, chunks), &expected);
        }
    }
}

#[test]
fn cached_is_uncached_over_many_tokens() {
    // Burn's CPU attention takes another way from 262144 scores on.
    let ids = sequence(700, 2);
    let decoder = decoder::<Flex>("llama_gqa");
    let expected = packed(&decoder, &ids);
    for chunks in [&[700][..], &[100, 600], &[650, 1, 49]] {
        assert_same(&format!("in {chunks:?}"), &in_chunks(&decoder, &ids, chunks), &expected);
    }
}

#[test]
fn the_rows_of_a_fork_are_sequences_of_their_own() {
    let prefix = sequence(5, 3);
    let continuations = [4, 5, 6].map(|seed| sequence(12, seed));
    for model in MODELS {
        let decoder = decoder::<Flex>(model);
        for chunks in [&[12][..], &[1; 12], &[1, 11], &[7, 5]] {
            let mut trunk = predictor(&decoder).cache(1, 9);
            let of_prefix = cached(&decoder, &prefix, &mut trunk);
            let mut fork = trunk.fork(3, 20);
            assert_eq!((fork.sequences(), fork.len(2), fork.capacity()), (3, 5, 20));
            let mut logits = [of_prefix.clone(), of_prefix.clone(), of_prefix];
            let mut from = 0;
            for chunk in chunks {
                let ids = continuations.each_ref().map(|ids| &ids[from..from + chunk]).concat();
                let new = cached(&decoder, &ids, &mut fork);
                for (row, logits) in logits.iter_mut().enumerate() {
                    logits.extend_from_slice(&new[row * chunk..][..*chunk]);
                }
                from += chunk;
            }
            for (row, logits) in logits.iter().enumerate() {
                let expected = packed(&decoder, &[&prefix[..], &continuations[row]].concat());
                assert_same(&format!("{model}, row {row} in {chunks:?}"), logits, &expected);
            }
            // What was forked from still holds its five tokens and nothing else.
            assert_eq!((trunk.sequences(), trunk.len(0)), (1, 5));
            let whole = [&prefix[..], &continuations[2][..4]].concat();
            let own = cached(&decoder, &whole[5..], &mut trunk);
            assert_same(model, &own, &packed(&decoder, &whole)[5..]);
        }
    }
}

#[test]
fn a_sequence_that_was_taken_over_goes_on_as_alone_and_leaves_its_neighbour_alone() {
    let [first, second] = [3, 4].map(|seed| sequence(9, seed));
    for model in MODELS {
        let decoder = decoder::<Flex>(model);
        let mut alone = predictor(&decoder).cache(1, 5);
        cached(&decoder, &second[..5], &mut alone);
        let mut cache = predictor(&decoder).cache(2, 9);
        // What the sequence held is replaced.
        cached(&decoder, &[&first[..7], &first[..7]].concat(), &mut cache);
        cache.adopt(1, &alone);
        assert_eq!((cache.len(0), cache.len(1), alone.len(0)), (7, 5, 5));
        for (row, (ids, from)) in [(&first, 7), (&second, 5)].into_iter().enumerate() {
            let new = predictor(&decoder).forward(&[(row, &ids[from..])], &mut cache);
            let logits = rows(predictor(&decoder).logits(new));
            assert_same(&format!("{model}, row {row}"), &logits, &packed(&decoder, ids)[from..]);
        }
    }
}

#[test]
fn a_batch_from_the_beginning_is_each_sequence_alone() {
    let sequences = [7, 8].map(|seed| sequence(9, seed));
    for model in MODELS {
        let decoder = decoder::<Flex>(model);
        let mut cache = predictor(&decoder).cache(2, 9);
        assert!(cache.is_empty(1));
        let mut logits = [Vec::new(), Vec::new()];
        for range in [0..4, 4..5, 5..9] {
            let ids = sequences.each_ref().map(|ids| &ids[range.clone()]).concat();
            let new = cached(&decoder, &ids, &mut cache);
            for (logits, new) in logits.iter_mut().zip(new.chunks(range.len())) {
                logits.extend_from_slice(new);
            }
        }
        for (logits, ids) in logits.iter().zip(&sequences) {
            assert_same(model, logits, &packed(&decoder, ids));
        }
    }
}

#[test]
fn sequences_of_any_lengths_come_and_go_side_by_side() {
    let [a, b, c] = [(11, 1), (7, 2), (9, 3)].map(|(len, seed)| sequence(len, seed));
    for model in MODELS {
        let decoder = decoder::<Flex>(model);
        let predictor = predictor(&decoder);
        let mut cache = predictor.cache(2, 12);
        let mut logits = [Vec::new(), Vec::new(), Vec::new()];
        let mut feed = |new: &[(usize, usize, &[u32])], cache: &mut KvCache<Flex>| {
            let parts: Vec<_> = new.iter().map(|(slot, _, ids)| (*slot, *ids)).collect();
            let mut rows = rows(predictor.logits(predictor.forward(&parts, cache))).into_iter();
            for (_, text, ids) in new {
                logits[*text].extend(rows.by_ref().take(ids.len()));
            }
        };
        feed(&[(1, 0, &a[..6])], &mut cache);
        feed(&[(0, 1, &b[..1]), (1, 0, &a[6..7])], &mut cache);
        feed(&[(1, 0, &a[7..]), (0, 1, &b[1..])], &mut cache);
        // The place of the first is taken by a third, the second stays.
        cache.truncate(1, 0);
        feed(&[(1, 2, &c[..8])], &mut cache);
        assert_eq!((cache.len(0), cache.len(1)), (7, 8));
        feed(&[(1, 2, &c[8..])], &mut cache);
        for (logits, ids) in logits.iter().zip([&a, &b, &c]) {
            assert_same(model, logits, &packed(&decoder, ids));
        }
    }
}

#[test]
fn what_follows_long_prompts_is_what_follows_each_alone() {
    let decoder = decoder::<Flex>("llama_gqa");
    let predictor = predictor(&decoder);
    // Several passes, one of which ends in the middle of a prompt.
    let prompts = [(300, 1), (290, 2), (1, 3), (700, 4), (5, 5)].map(|(len, seed)| sequence(len, seed));
    let new: Vec<_> = prompts.iter().map(Vec::as_slice).enumerate().collect();
    let together = rows(predictor.next_logits(&new, &mut predictor.cache(5, 700)));
    let alone = prompts.iter().map(|ids| packed(&decoder, ids).pop().unwrap());
    assert_same("next", &together, &alone.collect::<Vec<_>>());
}

/// A shape whose rows are whole groups, with more than one block of rows and some to spare.
fn of_groups(family: Family) -> Decoder<Flex> {
    let config = ModelConfig {
        d_model: 64,
        n_layers: 2,
        n_heads: 4,
        n_kv_heads: 2,
        d_ff: 96,
        family,
        ..ModelConfig::new(97)
    };
    Decoder::init(&config, 3, &burn::tensor::Device::<Flex>::default()).unwrap()
}

#[test]
fn fewer_bits_change_logits_a_little() {
    for family in [Family::default(), Family::Qwen3 { attention_bias: true }] {
        assert_fewer_bits_change_a_little(&of_groups(family));
    }
}

fn assert_fewer_bits_change_a_little(decoder: &Decoder<Flex>) {
    let ids = sequence(40, 6);
    let expected = packed(decoder, &ids);
    let largest = expected.iter().flatten().fold(0.0_f32, |largest, logit| largest.max(logit.abs()));
    let precisions = [
        (WeightDtype::F32, CacheDtype::F16, 2e-3),
        (WeightDtype::F32, CacheDtype::Q8, 0.03),
        (WeightDtype::F16, CacheDtype::F32, 2e-3),
        (WeightDtype::Bf16, CacheDtype::F32, 1e-2),
        (WeightDtype::Q8_0, CacheDtype::F32, 0.03),
        (WeightDtype::Q8_0, CacheDtype::F16, 0.03),
        (WeightDtype::Q4_0, CacheDtype::F32, 0.4),
    ];
    for (weights, cache, tolerance) in precisions {
        let predictor = Predictor::new(decoder, Precision { weights, cache }).unwrap();
        let logits = rows(predictor.logits(predictor.forward(&[(0, &ids)], &mut predictor.cache(1, 40))));
        let what = format!("{weights:?} {cache:?}");
        let error = assert_rows_close(&what, &logits, &expected, tolerance * largest);
        assert!(error > 0.0, "{what} is not exact");
    }
}

#[test]
fn sizes_that_are_no_whole_groups_are_refused() {
    let precision = Precision { weights: WeightDtype::Q4_0, ..Precision::default() };
    let config =
        ModelConfig { d_model: 48, n_layers: 1, n_heads: 4, n_kv_heads: 2, d_ff: 64, ..ModelConfig::new(20) };
    let decoder = Decoder::<Flex>::init(&config, 3, &burn::tensor::Device::<Flex>::default()).unwrap();
    let error = Predictor::new(&decoder, precision).unwrap_err();
    assert_eq!(error.to_string(), "model.d_model is 48, but q4_0 stores groups of 32 weights");
}

#[test]
fn what_is_truncated_is_forgotten() {
    let (ids, wrong) = (sequence(17, 9), sequence(10, 10));
    for model in MODELS {
        let decoder = decoder::<Flex>(model);
        let mut cache = predictor(&decoder).cache(1, 17);
        let mut logits = cached(&decoder, &ids[..6], &mut cache);
        cached(&decoder, &wrong, &mut cache);
        cache.truncate(0, 6);
        assert_eq!(cache.len(0), 6);
        logits.extend(cached(&decoder, &ids[6..7], &mut cache));
        logits.extend(cached(&decoder, &ids[7..], &mut cache));
        assert_same(model, &logits, &packed(&decoder, &ids));
        cache.truncate(0, 40);
        assert_eq!(cache.len(0), 17);
    }
}

#[test]
fn what_shares_a_batch_changes_nothing() {
    let sequences = [(1, 11), (17, 12), (31, 13)].map(|(len, seed)| sequence(len, seed));
    // An empty document is no one's neighbour.
    let documents = Documents::new(&[0, 1, 18, 18, 49]);
    for model in MODELS {
        let decoder = decoder::<Flex>(model);
        let together = rows(decoder.logits(decoder.forward_packed(&sequences.concat(), &documents)));
        let alone: Vec<_> = sequences.iter().flat_map(|ids| packed(&decoder, ids)).collect();
        assert_same(model, &together, &alone);
    }
}

#[test]
#[should_panic(expected = "the cache has room for 4, not 5")]
fn a_full_cache_panics() {
    let decoder = decoder::<Flex>("llama_tied");
    let mut cache = predictor(&decoder).cache(1, 4);
    cached(&decoder, &[1, 2, 3], &mut cache);
    cached(&decoder, &[4, 5], &mut cache);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_future_token_changes_no_past_logit(
        ids in prop::collection::vec(0..97_u32, 1..24),
        pick in any::<prop::sample::Index>(),
        other in 1..97_u32,
        model in prop::sample::select(&MODELS[..]),
    ) {
        let decoder = decoder::<Flex>(model);
        let changed_at = pick.index(ids.len());
        let mut changed = ids.clone();
        changed[changed_at] = (changed[changed_at] + other) % 97;
        let all_at_once = |ids: &[u32]| in_chunks(&decoder, ids, &[ids.len()]);
        for (before, after) in
            [(packed(&decoder, &ids), packed(&decoder, &changed)), (all_at_once(&ids), all_at_once(&changed))]
        {
            prop_assert_eq!(&before[..changed_at], &after[..changed_at]);
            prop_assert_ne!(&before[changed_at], &after[changed_at]);
        }
    }

    #[test]
    fn cached_is_uncached_for_any_chunks(
        chunks in prop::collection::vec(1..8_usize, 1..7),
        seed in 0..40_usize,
        model in prop::sample::select(&MODELS[..]),
    ) {
        let decoder = decoder::<Flex>(model);
        let ids = sequence(chunks.iter().sum(), seed);
        let what = format!("{} in {chunks:?}", directory(model).display());
        assert_same(&what, &in_chunks(&decoder, &ids, &chunks), &packed(&decoder, &ids));
    }
}
