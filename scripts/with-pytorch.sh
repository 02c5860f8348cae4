#!/usr/bin/env bash
# Runs a command with the LibTorch of an installed PyTorch, which the feature `tch` links against:
#
#   pip install torch==2.9.1
#   scripts/with-pytorch.sh cargo build --release -p gearhead-cli --features tch
#   scripts/with-pytorch.sh gearhead train --config configs/small.toml --device tch-cpu
#
# PYTHON=venv/bin/python names another Python. What is built this way needs the same LibTorch when it runs.
set -euo pipefail

python=${PYTHON:-python3}
[ $# -gt 0 ] || { echo "usage: [PYTHON=PATH] $0 COMMAND..." >&2; exit 2; }
told=$("$python" -c 'import os, sys, torch; print(torch.__version__); print(os.path.dirname(torch.__file__)); print(sys.executable)') ||
  { echo "$python has no PyTorch: pip install torch==2.9.1, or set PYTHON to one that has" >&2; exit 1; }
{ read -r version; read -r folder; read -r executable; } <<< "$told"

# Burn 0.21 links through tch 0.22, which is made for LibTorch 2.9.0 and checks for exactly that.
case $version in
  2.9.*) export LIBTORCH_BYPASS_VERSION_CHECK=1 ;;
  *) echo "PyTorch is $version, but the feature tch is made for 2.9: pip install torch==2.9.1" >&2; exit 1 ;;
esac
export LIBTORCH_USE_PYTORCH=1
# The build asks `python3`, or `python` where an environment is active.
shims=$(mktemp -d)
trap 'rm -rf "$shims"' EXIT
for name in python python3; do
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$executable" > "$shims/$name"
  chmod +x "$shims/$name"
done
export PATH="$shims:$PATH"
export LD_LIBRARY_PATH="$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export DYLD_LIBRARY_PATH="$folder/lib${DYLD_LIBRARY_PATH:+:$DYLD_LIBRARY_PATH}"
"$@"
