"""Fixtures for all tests; array shapes in signatures are checked while they run."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

install_import_hook("celltype_cli", "typecheck.check")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings beside the repository; outside users do not have them."""
    path = Path(os.environ.get("CELLTYPE_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not path.is_dir():
        pytest.skip(f"real recordings are not at {path}; set CELLTYPE_SHARED to the folder that holds data/")
    return path.resolve()
