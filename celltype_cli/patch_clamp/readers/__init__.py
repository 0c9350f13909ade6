"""Files of current-clamp sweeps: what they are, and what they hold."""
