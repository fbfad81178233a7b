"""From BOLD images to the signals of regions."""
