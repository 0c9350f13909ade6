"""The saved file of an explanation and the numbers that sum it up, worked out by hand."""

import numpy as np
import pytest
from made.explanations import explanation, scalogram_part, table_part, trace_part

from celltype_cli.cells.about import Axis
from celltype_cli.core.messages import UserError
from celltype_cli.studies.explain import saved
from celltype_cli.studies.explain.saved import Part


def test_what_is_written_is_read(tmp_path):
    before = explanation(scalogram=scalogram_part(), table=table_part(), trace=trace_part())
    saved.write(before, tmp_path / "e" / "x.npz")
    assert [file.name for file in (tmp_path / "e").iterdir()] == ["x.npz"]
    again = saved.read(tmp_path / "e" / "x.npz")
    for name in ("title", "model", "method", "quantity", "classes", "notes", "tested"):
        assert getattr(again, name) == getattr(before, name)
    for name in ("cell_id", "label", "predicted"):
        assert getattr(again, name).tolist() == getattr(before, name).tolist()
    assert [*again.parts] == [*before.parts]
    for name, part in before.parts.items():
        other = again.parts[name]
        assert (other.columns, other.axes, other.unit) == (part.columns, part.axes, part.unit)
        np.testing.assert_array_equal(other.values, part.values)
        np.testing.assert_array_equal(other.attribution, part.attribution)
    assert again.parts["trace"].by_class is None
    np.testing.assert_array_equal(again.parts["table"].by_class, before.parts["table"].by_class)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive", "other"])
def test_a_broken_file_is_named(tmp_path, content):
    path = tmp_path / "x.npz"
    if content == "other":
        np.savez(path, trace=np.ones(3))
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="x.npz (cannot be read|is missing).* run celltype explain again"):
        saved.read(path)


def test_columns_are_ranked_by_class_with_the_values_that_speak_for_it():
    lines = saved.summary(explanation(), table_part())
    first = lines[lines["class"] == "Pvalb"]
    assert first["column"].tolist() == ["width (ms)", "tau (ms)"]
    assert first["mean_absolute"].tolist() == pytest.approx([3.0, 0.1])  # (3 + 2 + 1 + 6) / 4
    assert first["values_that_speak_for"].tolist() == ["low", "mixed"]  # 3, 2, -6 for 0, 1, 9; always 0.1
    second = lines[lines["class"] == "Excitatory"].iloc[0]
    assert (second["column"], second["values_that_speak_for"]) == ("tau (ms)", "high")


def test_a_table_without_values_for_every_class_speaks_of_the_predicted_one():
    part = table_part()
    lines = saved.summary(explanation(), Part(part.values, part.attribution, columns=part.columns))
    assert lines.groupby("class")["cells"].first().to_dict() == {"Pvalb": 2, "Excitatory": 2}
    assert lines.loc[lines["class"] == "Pvalb", "mean_absolute"].tolist() == pytest.approx([2.0, 0.1])  # of 3 and 1


def test_places_are_centres_of_mass_in_the_units_of_the_axes():
    lines = saved.summary(explanation(), scalogram_part())
    assert [*zip(lines["class"], lines["channel"])] == [
        ("Pvalb", "channel 1"),
        ("Pvalb", "channel 2"),
        ("Excitatory", "channel 1"),
        ("Excitatory", "channel 2"),
    ]
    assert lines["centre, frequency (Hz)"].tolist() == pytest.approx([40, 40, 20, 30])
    assert lines["centre, time (ms)"].tolist() == pytest.approx([100, 100, 37.5, 50])  # (3 * 25 + 1 * 75) / 4
    assert lines["peak, time (ms)"].tolist() == pytest.approx([100, 100, 25, 50])


def test_where_nothing_counts_there_is_no_centre():
    part = Part(np.ones((4, 1, 6), "f4"), np.zeros((4, 1, 6), "f4"), axes=(Axis("time", "s", 0, 5),))
    assert saved.summary(explanation(), part)["centre, time (s)"].isna().all()


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: bytes(len(b)), lambda b: b[:-200], lambda b: b"text" + b])
def test_a_damaged_file_is_refused_with_the_way_out(tmp_path, damage):
    path = tmp_path / "x.npz"
    saved.write(explanation(table=table_part()), path)
    whole = path.read_bytes()
    path.write_bytes(damage(whole).replace(b"PK", b"PX"))
    with pytest.raises(UserError, match="x.npz cannot be read .*: delete it, and run celltype explain again"):
        saved.read(path)


def test_arrays_that_do_not_fit_together_are_refused(tmp_path):
    saved.write(explanation(table=table_part()), tmp_path / "x.npz")
    arrays = dict(np.load(tmp_path / "x.npz"))
    for changed in ({"table.values": arrays["table.values"][:1]}, {"about": "3"}):
        np.savez(tmp_path / "y.npz", **{**arrays, **changed})
        with pytest.raises(UserError, match="y.npz cannot be read"):
            saved.read(tmp_path / "y.npz")
