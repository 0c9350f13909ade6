"""Files of sorted units: what they are, and what they hold."""
