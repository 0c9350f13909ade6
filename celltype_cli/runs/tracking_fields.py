"""MLflow's own fields of a run: its dataset, its model, and the run of the multirun that it belongs to."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from celltype_cli.runs.tracking_store import FILE_S, Store

MULTIRUN = "multirun"  # tag of the run that stands for a multirun


def log_dataset(store: Store, run_id: str, dataset: dict[str, str]) -> None:
    """Fills the field Dataset: name, digest and source of what a run was trained and tested on."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": dataset["source"]})
    entity = Dataset(name=dataset["name"], digest=dataset["digest"], source_type="local", source=source)
    tags = [InputTag("mlflow.data.context", "train and test")]
    store.log_inputs(run_id, [DatasetInput(dataset=entity, tags=tags)])


def log_model(store: Store, run: Any, name: str, folder: str) -> None:
    """Fills the field Models of a finished run, once; the fitted models of its folds stay in the run's folder."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.exceptions import MlflowException

    if run.outputs and run.outputs.model_outputs:
        return
    plain = "".join("_" if letter in "/:.%\"'" else letter for letter in name)
    tags = {"where": f"the models of the folds lie in the folder of the run, {folder}"}
    experiment, run_id = run.info.experiment_id, run.info.run_id
    with suppress(MlflowException):  # servers before MLflow 3 know none
        model = store.create_logged_model(experiment, name=plain, source_run_id=run_id, tags=tags)
        store.finalize_logged_model(model.model_id, "READY")
        store.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])


def delete_models(store: Store, run: Any) -> None:
    """Deletes what `log_model` has made."""
    for output in run.outputs.model_outputs if run.outputs else ():
        store.delete_logged_model(output.model_id)


def of_multirun(store: Store, experiment_id: str, name: str, outputs: Path) -> str:
    """Returns the id of the run that stands for a multirun; the first job to come makes it.

    It is finished from the start: its jobs say how far they are.
    """
    outputs.mkdir(parents=True, exist_ok=True)
    with FileLock(outputs / ".mlflow.lock", timeout=FILE_S):
        if found := store.search_runs([experiment_id], f"tags.{MULTIRUN} = '{name}'"):
            return found[0].info.run_id
        note = f"The jobs of one multirun (`celltype ... -m`), folder multiruns/{name}"
        tags = {MULTIRUN: name, "mlflow.note.content": note, "mlflow.source.type": "LOCAL"}
        run_id = store.create_run(experiment_id, run_name=f"multirun {name}", tags=tags).info.run_id
        store.set_terminated(run_id, "FINISHED")
    return run_id
