"""Which cell type is this recorded neuron?"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["load_bundle"]


def __getattr__(name: str) -> Any:
    """Imports what Python callers use when it is asked for, so that the command line starts at once."""
    if name == "load_bundle":
        from celltype_cli.bundles.bundle import load_bundle

        return load_bundle
    raise AttributeError(f"module {__name__} has no attribute {name}")
