#!/usr/bin/env bash
# Run the app with the settings of a file, in the container if they name one: run.sh SETTINGS LEVEL [OPTIONS]
set -euo pipefail
# shellcheck source=settings.sh
source "$1"
shift
mkdir -p "$OUTPUT_DIR"
work=()
if [[ -n $WORK_DIR ]]; then
  mkdir -p "$WORK_DIR"
  work=(--work-dir "$WORK_DIR")
fi
if [[ -z $IMAGE ]]; then
  exec env TMPDIR="$SCRATCH" bids_eeg2fmri "$BIDS_DIR" "$OUTPUT_DIR" "$@" "${OPTIONS[@]}" "${work[@]}"
fi
# Neither variables nor home of the caller: what lies there is not part of the image. Folders keep their names.
binds=(--bind "$BIDS_DIR:$BIDS_DIR:ro" --bind "$OUTPUT_DIR:$OUTPUT_DIR" --bind "$SCRATCH:$SCRATCH")
[[ -n $WORK_DIR ]] && binds+=(--bind "$WORK_DIR:$WORK_DIR")
for folder in "${BINDS[@]}"; do
  binds+=(--bind "$folder:$folder:ro")
done
exec apptainer run --cleanenv --no-home --env "TMPDIR=$SCRATCH" "${binds[@]}" "$IMAGE" \
  "$BIDS_DIR" "$OUTPUT_DIR" "$@" "${OPTIONS[@]}" "${work[@]}"
