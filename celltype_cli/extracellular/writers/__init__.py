"""Answers, as the tools read them that made the recordings."""
