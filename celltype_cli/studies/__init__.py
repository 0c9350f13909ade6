"""One question asked of many runs, or of the data; no study imports another."""
