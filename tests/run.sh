#!/usr/bin/env bash
# Set up, then lint, types, layers, spelling and tests. Arguments go to pytest: bash tests/run.sh -k clock
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/environment.sh "[test]"
echo "== ruff"
ruff format --check .
ruff check .
echo "== mypy"
mypy
echo "== layers"
lint-imports
echo "== codespell"
codespell bids_eeg2fmri tests examples README.md CHANGES.md CITATION.cff
echo "== pytest"
python -m pytest -n 2 --dist loadfile --durations=10 "$@"
