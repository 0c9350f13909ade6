"""Trainers turn (model, training cells, validation cells) into a predictor."""
