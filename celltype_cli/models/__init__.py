"""One network per file: torch, and nothing of ours."""
