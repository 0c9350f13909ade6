"""A recording that is unlike the training cells gets no labels, among others that are like them as alone."""

import numpy as np
import pytest
from made.bundles import write_traces

from celltype_cli import load_bundle
from celltype_cli.bundles.predict import predict
from celltype_cli.bundles.recordings import recordings_of

N, EACH = 48, 6


@pytest.fixture
def asked(exported, tmp_path):
    """Predicts eight animals of six cells; a change was made of the traces of the last."""

    def ask(change, force=False, only=slice(None), last=EACH, **columns):
        rng = np.random.default_rng(1)
        trace = rng.standard_normal((N, 150)) * (0.1 + 0.2 * (np.arange(N) % 2))[:, None]
        trace[-last:] = change(trace[-last:])
        of = {"trace": trace, "group": [f"m{k // EACH}" for k in range(N)], **columns}
        of = {name: np.asarray(values)[only] for name, values in of.items()}
        write_traces(tmp_path / "new.npz", n=len(of["trace"]), label=("", ""), **of)
        bundle = load_bundle(exported)
        return predict(bundle, recordings_of(bundle, tmp_path / "new.npz"), accuracy=None, force=force)

    return ask


def shifted(trace):
    return trace + 1.5


def test_a_foreign_recording_among_others_is_told_and_gets_no_label(asked):
    alone = asked(shifted, only=slice(-EACH, None))
    assert alone.verdict.withheld and (alone.cells["label"] == "").all()
    found = asked(shifted)
    assert not found.verdict.withheld and found.verdict.noted
    assert "1 of 8 animals, taken alone, does not look like them" in found.verdict.words()
    assert "m7 (" in found.verdict.words() and "level of trace" in found.verdict.words()
    assert found.foreign.tolist() == [False] * (N - EACH) + [True] * EACH
    last = found.cells.iloc[-EACH:]
    assert (last["label"] == "").all() and last["note"].str.startswith("withheld").all()
    others = found.cells.iloc[:-EACH]
    assert (others["label"] != "").mean() > 0.8 and not others["note"].str.startswith("withheld").any()


def test_foreign_recordings_take_no_labels_from_others_however_many_they_are(asked):
    found = asked(shifted, last=6 * EACH)
    assert found.foreign.tolist() == [False] * (2 * EACH) + [True] * (6 * EACH) and not found.verdict.withheld
    assert (found.cells["label"] != "").mean() > 0.8 * 2 / 8 and (found.cells["label"][2 * EACH :] == "").all()
    found = asked(shifted, last=N)
    assert found.verdict.withheld and (found.cells["label"] == "").all()
    assert "8 of 8 animals, taken alone, do not look like them" in found.verdict.words()


def test_labels_are_given_all_the_same_where_they_are_wished(asked):
    assert (asked(shifted, force=True).cells["label"] != "").all()


def test_recordings_like_the_training_cells_and_those_of_few_cells_are_not_judged_alone(asked):
    assert not asked(lambda trace: trace).foreign.any()
    few = [f"m{k // EACH}" for k in range(N - EACH)] + [f"few{k // 3}" for k in range(EACH)]
    assert not asked(shifted, group=few).foreign.any()
