"""A fitted model as files, and built again from them; nothing that such files hold can run code.

Networks: `weights.safetensors`, the numbers alone; `model.json` names their class and its settings. Estimators:
`estimator.skops`, scikit-learn's objects without pickle. On the way back only networks of `celltype_cli.models` and the
types in TRUSTED are built.
"""

from __future__ import annotations

import importlib
import json
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from celltype_cli.cells.cells import Cells
from celltype_cli.cells.columns import table_of
from celltype_cli.core.files import replacing, write_text
from celltype_cli.core.messages import UserError
from celltype_cli.trainers.protocol import Predictor

DESCRIPTION, WEIGHTS, ESTIMATOR = "model.json", "weights.safetensors", "estimator.skops"
NETWORKS = "celltype_cli.models."
START = {"pretrained": False, "weights": None}  # where training began: nothing to a network whose weights are kept
# Beside those that skops trusts by itself (numpy's arrays, the estimators of scikit-learn).
TRUSTED = frozenset(
    [
        "celltype_cli.trainers.sklearn.EmptyColumns",
        "numpy.dtype",
        "collections.OrderedDict",
        "sklearn.tree._tree.Tree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.utils._bunch.Bunch",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "catboost.core.CatBoostClassifier",
    ]
)


def described(model: Callable[..., Any], cells: Cells) -> dict[str, Any]:
    """Returns how a network is built again: its class and settings, of a `functools.partial` as configs make it, and
    the shapes and the number of classes that it was built for."""
    function = model.func if isinstance(model, partial) else model
    settings = dict(model.keywords) if isinstance(model, partial) else {}
    made_by = {"target": f"{function.__module__}.{function.__qualname__}", "settings": settings}
    return {"model": made_by, "shapes": cells.shapes, "n_classes": len(cells.classes)}


def keep(predict: Predictor, folder: Path) -> str:
    """Writes a fitted model; returns why it cannot be kept, or nothing.

    What cannot be kept are networks and estimators of other packages: they can be trained and scored here, and no file
    that anybody opens should name them.
    """
    state = predict.state()
    description = {"kind": state.kind, **state.description}
    folder.mkdir(parents=True, exist_ok=True)
    if state.kind == "network":
        from safetensors.numpy import save_file

        target = description.get("model", {}).get("target", "a network without config")
        if not target.startswith(NETWORKS):
            return f"{target} is no network of {NETWORKS.rstrip('.')}"
        with replacing(folder / WEIGHTS) as temporary:
            save_file({name: values.copy() for name, values in state.arrays().items()}, temporary)
    else:
        skops = _skops()
        with replacing(folder / ESTIMATOR) as temporary:
            skops.io.dump(state.model, temporary, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
            unknown = {*skops.io.get_untrusted_types(file=temporary)} - TRUSTED
        if unknown:
            (folder / ESTIMATOR).unlink()
            return f"it holds objects of other packages ({', '.join(sorted(unknown))})"
    write_text(folder / DESCRIPTION, json.dumps(description, indent=1, default=str) + "\n")
    return ""


def _skops() -> ModuleType:
    """Imports skops, without torch where nothing has imported that yet.

    It lists the estimators of scikit-learn by importing every module there, and one of these imports torch: half a
    gigabyte of memory, which trees do not need. That module is left out where torch cannot be imported.
    """
    without = "torch" not in sys.modules
    if without:
        sys.modules["torch"] = None
    try:
        import skops.io
    finally:
        if without:
            del sys.modules["torch"]
    return skops


def is_kept(folder: Path) -> bool:
    return (folder / DESCRIPTION).is_file()


def load(folder: Path) -> Predictor:
    """Builds a kept model again; it predicts on the CPU.

    Raises:
        UserError: when a file is missing, damaged, or names anything but what is built here.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        build = {"network": _network, "estimator": _estimator}[description["kind"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{folder / DESCRIPTION} cannot be read as the description of a model ({error})") from error
    return build(folder, description)


def _network(folder: Path, description: dict[str, Any]) -> Predictor:
    import torch
    from safetensors.numpy import load_file

    from celltype_cli.trainers.laplace import Laplace
    from celltype_cli.trainers.networks import NetworkPredictor, Standardised

    try:
        made_by, shapes = description["model"], {name: tuple(map(int, s)) for name, s in description["shapes"].items()}
        settings = {name: START.get(name, value) for name, value in made_by["settings"].items()}
        inner = _class(made_by["target"])(shapes, int(description["n_classes"]), **settings)
        moments = {name: (float(mean), float(sd)) for name, (mean, sd) in description["moments"].items()}
        network = (Laplace if description.get("laplace") else Standardised)(inner, moments)
        weights = load_file(folder / WEIGHTS)
        network.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
        return NetworkPredictor(network, accelerator="cpu", batch_size=int(description["batch_size"]), made=description)
    except UserError:
        raise
    except ImportError as error:
        raise UserError(str(error)) from error
    except Exception as error:  # whatever a damaged file does to json, safetensors and torch
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{folder}: this network cannot be built again ({said[:200]})") from error


def _class(target: str) -> Any:
    from torch import nn

    module, _, name = str(target).rpartition(".")
    if not module.startswith(NETWORKS) or ".." in module:
        raise UserError(f"{target} is no network of {NETWORKS.rstrip('.')}: nothing else is built from files")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        found = None
    if not (isinstance(found, type) and issubclass(found, nn.Module) and found.__module__ == module):
        raise UserError(f"{target} is no network of {NETWORKS.rstrip('.')}: nothing else is built from files")
    return found


def _estimator(folder: Path, description: dict[str, Any]) -> Predictor:
    from celltype_cli.trainers.sklearn import SklearnPredictor

    skops, file = _skops(), folder / ESTIMATOR
    try:
        pipeline = skops.io.load(file, trusted=sorted(TRUSTED))  # which looks at all types before it builds any
    except skops.io.exceptions.UntrustedTypesFoundException as error:
        unknown = {*skops.io.get_untrusted_types(file=file)} - TRUSTED
        raise UserError(
            f"{file} holds {', '.join(sorted(unknown))}, which is not built from files: not opened"
        ) from error
    except ImportError as error:
        raise UserError(f"{file} needs a library that is missing ({error}): pip install 'celltype[trees]'") from error
    except Exception as error:  # zipfile, json and skops raise half a dozen unrelated types for a broken file
        raise UserError(f"{file} cannot be read as an estimator ({type(error).__name__}: {error!s:.200})") from error
    inputs, columns = description["inputs"], description["columns"]
    for part in _parts(pipeline):  # it may have been trained on a machine of many cores
        if "n_jobs" in part.get_params(deep=False):
            part.set_params(n_jobs=1)
    return SklearnPredictor(pipeline, partial(table_of, inputs=inputs, columns=columns), inputs, columns)


def _parts(pipeline: Any) -> Iterator[Any]:
    """Yields all estimators of a fitted pipeline: those fitted within votes and calibrations too, which are copies of
    those that `get_params` lists."""
    ahead, seen = [pipeline], set()
    while ahead:
        part = ahead.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if hasattr(part, "get_params"):
            yield part
        if isinstance(part, Mapping):
            ahead += part.values()
        elif isinstance(part, (list, tuple)) or isinstance(part, np.ndarray) and part.dtype == object:
            ahead += part.flat if isinstance(part, np.ndarray) else part
        elif hasattr(part, "get_params") or type(part).__name__ == "_CalibratedClassifier":
            ahead += vars(part).values()
