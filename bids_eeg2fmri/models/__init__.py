"""One file per predictor."""
