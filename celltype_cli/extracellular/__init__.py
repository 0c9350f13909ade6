"""Extracellular recordings: sorted units become waveforms, autocorrelograms, layers and features."""
