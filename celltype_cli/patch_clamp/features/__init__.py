"""Electrophysiological features of a cell from its sweeps."""
