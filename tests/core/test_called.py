"""Names of arrays that people give what readers know by one name."""

from celltype_cli.core.called import called, meant, unread


def test_what_is_missing_is_looked_for_by_meaning_and_by_letters():
    assert meant("trace", ["label", "F"]) == "; nearest: F"
    assert meant("sampling_rate", ["Frame_Rate", "sampling"]) == "; nearest: Frame_Rate"
    assert meant("label", ["labl", "x"]) == "; nearest: labl" and meant("label", ["x"]) == ""


def test_what_is_not_read_is_named():
    assert unread("x.npz", ["trace", "time"], ["trace", "group"]) == ["x.npz: not read: time"]
    assert unread("x.npz", ["trace", "Mouse ID"], ["trace", "group"]) == [
        "x.npz: not read: Mouse ID; Mouse ID may be what is called group here: rename it"
    ]
    assert unread("x.npz", ["trace"], ["trace"]) == [] and called(["mouse"], ["label"]) == ""


def test_units_in_the_names_of_columns():
    assert called(["time [ms]", "dF/F (%)", "F (a.u.)"], ["time_s"]).startswith("; time [ms] may be")
    assert meant("value", ["F (a.u.)"]) == "; nearest: F (a.u.)"
