"""Files of calcium traces: what they are, and what they hold."""
