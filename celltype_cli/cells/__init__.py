"""`Cells`: what every dataset ends in and every trainer takes."""
