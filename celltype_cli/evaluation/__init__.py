"""Saved predictions, and every score, comparison and picture that is a function of them."""
