"""Names, entities, pairing of EEG with BOLD, and where each output goes; no array enters here."""
