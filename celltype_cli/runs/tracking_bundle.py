"""Registers a bundle as a model of MLflow, with the tables that it takes and gives; `mlflow models serve` serves it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from celltype_cli.core.messages import UserError
from celltype_cli.runs.tracking import store_uri
from celltype_cli.runs.tracking_run import MlflowRun
from celltype_cli.runs.tracking_store import reason

LOADER = "celltype_cli.bundles.served"


def register(
    bundle: Path,
    name: str,
    *,
    outputs: Path,
    uri: str | None,
    run: str | None,
    experiment: str,
    takes: Sequence[str],
    rate: str,
    gives: Sequence[str],
    note: str,
    version: str,
) -> str:
    """Copies a bundle into the store as a new version of a registered model; returns the address to serve it by.

    Args:
        uri: of the store; None as in `tracking.store_uri`.
        run: id in the store of the run that was exported; None makes a run of its own.
        experiment: for a run of its own.
        takes, rate, gives, note: columns of the table, for a cell each: arrays of two axes, a number; shares, a text.
        version: of celltype, which whoever serves the model needs.

    Raises:
        UserError: when the store cannot be used.
    """
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    number, place = DataType.double, store_uri(outputs, uri)
    inputs = Schema([*(ColSpec(Array(Array(number)), name=column) for column in takes), ColSpec(number, name=rate)])
    answers = [*(ColSpec(number, name=column) for column in gives), ColSpec(DataType.string, name=note)]
    signature = ModelSignature(inputs=inputs, outputs=Schema(answers))
    before = {name: os.environ.get(f"MLFLOW_{name}_URI") for name in ("TRACKING", "REGISTRY")}  # MLflow sets them
    warnings.filterwarnings("ignore", message=".*input example was not provided")  # the signature says what it takes
    try:
        logged = MlflowRun(place, outputs, experiment)
        logged.connect()
        mlflow.set_tracking_uri(place)
        mlflow.set_registry_uri(place)
        own = {"experiment_id": logged.experiment_id, "run_name": f"bundle {bundle.name}"}
        with mlflow.start_run(run_id=run) if run and logged.has(run) else mlflow.start_run(**own):
            model = mlflow.pyfunc.log_model(
                name="bundle",
                loader_module=LOADER,
                data_path=str(bundle),
                signature=signature,
                pip_requirements=[f"celltype=={version}"],  # unasked, MLflow takes seconds to guess them
                registered_model_name=name,
            )
    except Exception as error:  # a store may fail in any way
        raise UserError(f"the MLflow store {place} cannot be used: {reason(error)}") from error
    finally:
        mlflow.set_tracking_uri(before["TRACKING"])
        mlflow.set_registry_uri(before["REGISTRY"])
    return f"models:/{name}/{model.registered_model_version}"
