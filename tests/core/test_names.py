"""Names that look alike, words with a mistake, sides, probes and sessions of one animal."""

import pytest

from celltype_cli.core.classes import vocabulary
from celltype_cli.core.names import alike, mistyped, probes, sessions, several, shortened, sides


def test_names_that_look_alike():
    assert alike(["m1", "M1", "m 1", "m-1", "m2", "PV", "pv"]) == [("M1", "m 1", "m-1", "m1"), ("PV", "pv")]
    assert alike(["1", "1.0", "2", "1.01", "10"]) == [("1", "1.0")]
    assert alike(["m1", "m2", "m10", "m_1_1", "m_11"]) == []


def test_numbers_as_spreadsheets_write_them():
    assert alike(["1", "001", "01", "10", "100"]) == [("001", "01", "1")]
    assert alike(["sub-1", "sub-01", "sub-10"]) == [("sub-01", "sub-1")]
    assert alike(["100000", "1E+05", "1.5E+05", "1e-5"]) == [("100000", "1E+05")]
    assert alike(["0", "00", "1.05", "1.5", "1.005"]) == [("0", "00")]


def test_sessions_of_one_animal():
    assert sessions(["m1_day1", "m1_day2", "m2_day1", "mouse_1", "mouse_2"]) == [("m1_day1", "m1_day2")]
    assert sessions(["session1", "session2", "rec-3"]) == []
    folders = ["mouse1/2021-01-01", "mouse1/2021-01-02", "mouse2/001", "mouse2/002", "mouse3/TSeries-001"]
    assert sessions(folders) == [tuple(folders[:2]), tuple(folders[2:4])]


@pytest.mark.parametrize(
    "ends", [("_2021-03-05", "_2021-03-06"), ("-20210305", "-210306"), ("_s1", "_s12"), ("_d1", " D2")]
)
def test_dates_and_short_sessions(ends):
    assert sessions([f"m1{end}" for end in ends]) == [tuple(sorted(f"m1{end}" for end in ends))]


def test_numbers_of_animals_are_no_dates():
    assert sessions(["mouse_201399", "mouse_554021", "mouse_12", "ms1", "ms2", "id2021-13-05", "id2021-14-05"]) == []


def test_names_that_look_the_same():
    assert alike(["PV", "PV+", "SST", "SST\u200a?"]) == [("PV", "PV+"), ("SST", "SST\u200a?")]
    assert alike(["\u03a1V", "PV"]) == [("PV", "\u03a1V")]  # the first letter is a Greek one
    assert alike(["PV+", "PV-"]) == []
    assert alike(["sub-01", "01", "mouse 2", "m2", "amp3", "3"]) == [("01", "sub-01"), ("m2", "mouse 2")]


def test_numbers_that_lost_their_last_digits():
    assert shortened(["1.23457E+14", "2e+10", "m1", "1.5", "E+14"]) == ["1.23457E+14", "2e+10"]


def test_hemispheres_of_one_animal():
    names = [
        "m1_L",
        "m1_R",
        "m2_L",
        "cage3_L",
        "cage3_R",
        "cage3_N",
        "4-left hemi",
        "4-right hemi",
        "L",
        "R",
        "5 LH",
        "5 lh",
    ]
    assert sides(names) == [("4-left hemi", "4-right hemi"), ("m1_L", "m1_R")]


def test_probes_of_one_recording():
    names = [
        "a_g0_imec0/imec0_ks2",
        "a_g0_imec1/imec1_ks2",
        "s/probeA",
        "s/probeB",
        "m1_prober1",
        "probeless_1",
        "m_npx1",
    ]
    assert probes(names) == [tuple(names[:2]), tuple(names[2:4])]
    assert probes(["probe00", "probe01"]) == [("probe00", "probe01")]


@pytest.mark.parametrize(
    "pair",
    [("m&1", "m&amp;1"), ("M\u00fcller1", "M\u00c3\u00bcller1"), ("m-1", "m\u20131"), ("m1", "m\u0661"), ("1", "#1"),
     ("m1", "m1 (male)"), ("PV", "PV cells"), ("PV", "PV [n=3]")],
)  # fmt: skip
def test_names_that_programs_and_people_write_in_two_ways(pair):
    assert alike([*pair, "other"]) == [tuple(sorted(pair))]


def test_remarks_in_brackets_tell_names_apart():
    assert alike(["m1 (a)", "m1 (b)", "L2/3 (Sst)", "L2/3 (Pvalb)"]) == []


def test_words_with_a_mistake():
    assert mistyped(["Pvalb", "Pavlb", "Excitatory", "Excitaory"]) == [("Pavlb", "Pvalb"), ("Excitaory", "Excitatory")]
    assert mistyped(["PkC_ss", "PkC_cs", "MLI", "MLIA", "basket", "baskets", "Lamp5", "Lamp"]) == []


def test_no_class_that_is_known_looks_like_a_mistake():
    assert mistyped(vocabulary()) == [] == alike(vocabulary())


def test_labels_of_doubt_and_of_several_types():
    assert alike(["PV", "putative PV", "SST"]) == [("PV", "putative PV")]
    assert several(["PV", "SST", "VIP/SST", "CCK/NPY", "PV or VIP"]) == ["PV or VIP", "VIP/SST"]
