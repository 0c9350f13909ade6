"""The first look: what `celltype demo` shows is worth seeing."""

import re

from made.bundles import command


def test_the_demo_ends_with_labels_and_with_cells_of_which_it_is_unsure(tmp_path, capsys):
    fewer = ("model.n_estimators=60", "figures=[]", "logger=none", f"outputs={tmp_path}")
    assert command("demo", *fewer) == 0
    said = capsys.readouterr().out
    assert float(re.search(r"balanced accuracy +([0-9.]+)", said)[1]) > 0.6  # floor 0.25
    rows = re.findall(r"^ (\w+_\d+) +(\w+|unsure \(\w+\?\)) +[0-9.]+ +\d/3 +(\w+)", said, re.MULTILINE)
    labels = [(label, true) for _, label, true in rows if not label.startswith("unsure")]
    assert len(rows) == 12 and 4 <= len(labels) < 12
    assert sum(label == true for label, true in labels) >= 0.7 * len(labels)
    assert "says nothing about recorded ones" in said and "all folds together at accuracy=0.8:" in said
