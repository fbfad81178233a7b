# shellcheck shell=bash disable=SC2034
# What is run, on what and with how much: copy this file, change it, and give it to submit.sh.
BIDS_DIR=/data/study
OUTPUT_DIR=/data/study/derivatives/bids_eeg2fmri
# Options of the app, the same for every participant.
OPTIONS=(-d /data/study/derivatives/fmriprep)
# Apptainer image; empty: the installed command bids_eeg2fmri.
IMAGE=/data/images/bids_eeg2fmri.sif
# Further folders that the container must see: all that OPTIONS name and that lies outside BIDS_DIR.
BINDS=()
# Keeps cleaned data, for other models later; empty: nothing is kept.
WORK_DIR=
# Fast scratch on the node, for temporary files.
SCRATCH=${TMPDIR:-/tmp}
# What the jobs say, and how each participant ended.
LOGS=/data/logs/bids_eeg2fmri

# Of the jobs; another one for every study.
NAME=eeg2fmri
# Of one participant; see "Memory and time" in README.md.
MEMORY=4G
TIME=02:00:00
CPUS=1
# Participants at a time.
AT_ONCE=50
GROUP_MEMORY=4G
GROUP_TIME=00:30:00
# afterok: the group job is cancelled where a participant fails; afterany: it takes those that are there.
GROUP_WHEN=afterok
# Further options of sbatch, such as (--account=NAME --partition=NAME).
SBATCH=()
