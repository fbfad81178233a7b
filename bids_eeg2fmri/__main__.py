"""``python -m bids_eeg2fmri``: the same as the command."""

from bids_eeg2fmri.cli import main

if __name__ == "__main__":
    main()
