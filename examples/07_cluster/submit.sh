#!/usr/bin/env bash
# Submit one job per participant, and the group level after them: submit.sh SETTINGS [LABEL ...]
# Without labels: every sub-* folder of the dataset.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
settings=$(realpath "${1:?Give a file of settings, see settings.sh}")
# shellcheck source=settings.sh
source "$settings"
shift
labels=("${@#sub-}")
if ((${#labels[@]} == 0)); then
  for folder in "$BIDS_DIR"/sub-*/; do
    [[ -d $folder ]] && labels+=("$(basename "${folder#"$BIDS_DIR"/sub-}")")
  done
fi
if ((${#labels[@]} == 0)); then
  echo "There is no sub-* folder in $BIDS_DIR. Check BIDS_DIR in $settings." >&2
  exit 66
fi
most=$(scontrol show config | awk '$1 == "MaxArraySize" {print $3 - 1}')
if ((${#labels[@]} > ${most:-1000})); then
  echo "${#labels[@]} participants, but this cluster takes ${most:-1000} in one array. Submit them in parts." >&2
  exit 64
fi
mkdir -p "$LOGS"
list=$(mktemp "$LOGS/participants-XXXXXX.txt")
printf '%s\n' "${labels[@]}" > "$list"
for label in "${labels[@]}"; do
  rm -f "$LOGS/sub-$label.status"
done
array=$(sbatch --parsable "${SBATCH[@]}" --job-name="$NAME" --array="1-${#labels[@]}%$AT_ONCE" \
  --mem="$MEMORY" --time="$TIME" --cpus-per-task="$CPUS" --output="$LOGS/%A_%a.log" \
  "$here/participant.sbatch" "$here" "$settings" "$list")
array=${array%%;*}
group=$(sbatch --parsable "${SBATCH[@]}" --job-name="$NAME-group" --dependency="$GROUP_WHEN:$array" \
  --kill-on-invalid-dep=yes --mem="$GROUP_MEMORY" --time="$GROUP_TIME" --output="$LOGS/%j_group.log" \
  "$here/group.sbatch" "$here" "$settings")
echo "${#labels[@]} participants in job $array, the group level in job ${group%%;*}; logs in $LOGS"
