#!/usr/bin/env bash
# The main job from nothing: install, simulate a small dataset, run both levels, say where the reports are.
# Usage: bash examples/demo.sh [FOLDER]   (default: demo, in the repository)
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/environment.sh
out=${1:-demo}
start=$SECONDS
rm -rf "$out"
echo "== Simulating 4 participants with 3 runs each: EEG whose motor rhythms drive the BOLD"
bids_eeg2fmri_simulate "$out/bids" --participants 4 --runs 3 --volumes 150
echo "== Participant level: clean, align, train, test on held-out runs"
bids_eeg2fmri "$out/bids" "$out/results" participant --nprocs 2
echo "== Group level"
bids_eeg2fmri "$out/bids" "$out/results" group
echo "== Done in $((SECONDS - start)) s. Open in a browser:"
ls "$PWD/$out/results"/sub-*.html "$PWD/$out/results/group.html"
