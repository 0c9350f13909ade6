"""Ways to split cells into folds, and the guard between them and every trainer."""
