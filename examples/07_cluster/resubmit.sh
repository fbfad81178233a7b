#!/usr/bin/env bash
# Submit again the participants that have not ended well, and the group level after them: resubmit.sh SETTINGS
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
settings=$(realpath "${1:?Give the file of settings that was given to submit.sh}")
# shellcheck source=settings.sh
source "$settings"
if [[ -n $(squeue --noheader --me --name="$NAME") ]]; then
  echo "Participants are still waiting or running (squeue --me). Wait for them, or cancel them." >&2
  exit 1
fi
# Everyone who was ever submitted; who never began, or was killed, has no status of 0 either.
mapfile -t asked < <(cat "$LOGS"/participants-*.txt | sort -u)
failed=()
for label in "${asked[@]}"; do
  status=$(cat "$LOGS/sub-$label.status" 2>/dev/null || echo "never ran")
  if [[ $status != 0 ]]; then
    echo "sub-$label: ${status/#running/killed while running}"
    failed+=("$label")
  fi
done
if ((${#failed[@]} == 0)); then
  echo "All ${#asked[@]} participants ended well: nothing to submit."
  exit 0
fi
exec bash "$here/submit.sh" "$settings" "${failed[@]}"
