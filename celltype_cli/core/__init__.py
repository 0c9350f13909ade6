"""What every other room stands on, and knows nothing of cells."""
