"""From recorded EEG to clean EEG."""
