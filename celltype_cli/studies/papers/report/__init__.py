"""A paper's report: built once from saved predictions, then rendered in each format."""
