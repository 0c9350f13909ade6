"""Two-photon calcium traces: recordings of one fluorescence over time."""
