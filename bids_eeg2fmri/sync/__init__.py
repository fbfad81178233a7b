"""One clock for EEG and BOLD."""
