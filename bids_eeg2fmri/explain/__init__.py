"""What a predictor used."""
