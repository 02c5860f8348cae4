#!/usr/bin/env bash
# Makes the bundled model again: data, tokenizer, training, evaluation, and the files under crates/gearhead/bundled.
# The same commit on the same kind of CPU gives the same bytes. See docs/experiments.md for how long it takes.
# GEARHEAD=PATH uses a program that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."

gearhead=(cargo run --release --quiet -p gearhead-cli --)
[ -z "${GEARHEAD:-}" ] || gearhead=("$GEARHEAD")
bundled=crates/gearhead/bundled
data=outputs/bundled-data

# The command embeds the bundled model; empty files stand in for it where there is none yet.
mkdir -p "$bundled"
for file in config.json model.safetensors tokenizer.json gearhead.json linear.gearhead; do
  [ -e "$bundled/$file" ] || : > "$bundled/$file"
done

"${gearhead[@]}" data generate --count 360000 --seed 11 --out "$data"
"${gearhead[@]}" tokenizer train "$data/train.jsonl" --vocab-size 2048 --out outputs/bundled-tokenizer.json
# Choosing the best model needs no more than a part of the validation cases.
head -n 1000 "$data/validation.jsonl" > "$data/validation-1000.jsonl"
"${gearhead[@]}" train --config configs/bundled.toml "$@"
# The weights of the ranking and the threshold are fitted on more.
head -n 2000 "$data/validation.jsonl" > "$data/validation-2000.jsonl"
"${gearhead[@]}" fit --model outputs/bundled --train "$data/train.jsonl" --validation "$data/validation-2000.jsonl" --seed 11
head -n 1000 "$data/test.jsonl" > "$data/test-1000.jsonl"
"${gearhead[@]}" eval --model outputs/bundled --data "$data/test-1000.jsonl" --train "$data/train.jsonl" --suites --baselines \
  --html outputs/bundled/report.html

for file in config.json model.safetensors tokenizer.json tokenizer_config.json gearhead.json linear.gearhead; do
  cp "outputs/bundled/best/$file" "$bundled/$file"
done
ls -l "$bundled"
