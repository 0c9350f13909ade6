"""The parts of a search: its space, its trials on inner folds, its study on disk, and what it leaves behind."""
