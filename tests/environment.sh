# Sourced by tests/run.sh and examples/demo.sh: makes .venv in the repository, once per state of the pins.
# Usage: . tests/environment.sh [EXTRAS], for example "[test]". BIDS_EEG2FMRI_VENV names another folder.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
extras=${1:-}
venv=${BIDS_EEG2FMRI_VENV:-$root/.venv}

find_python() {
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    [[ -n $candidate ]] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer is needed; none was found. Install one, or name it: PYTHON=/path/to/python3" >&2
  return 1
}

state=$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum | cut -d' ' -f1)
stamp=$venv/.installed-$state${extras//[^a-z]/}
if [[ ! -e $stamp ]]; then
  python=$(find_python) || exit 1
  echo "Installing into $venv (once, a few minutes) ..."
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$root/constraints.txt" -e "$root$extras"
  touch "$stamp"
fi
export PATH=$venv/bin:$PATH
# Two threads on two busy cores can be ten times slower than one each.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
