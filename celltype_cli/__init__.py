"""Which cell type is this recorded neuron?"""

__version__ = "0.1.0"
