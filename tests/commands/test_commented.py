"""YAML files read with their comments."""

from celltype_cli.commands.commented import read


def test_a_file_is_read_as_it_is_written(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(
        "# celltype x: does this,\n# and that.\n#   celltype x a=1   one\n#   celltype x\n"
        "defaults: [y]\nhydra:\n  run: {dir: .}\n_target_: a.b\na: '#1'   # s, of a step\n              # on the left\n"
        "b: {c: 1,\n    d: 2}  # two\ne:      # of e\n  f: null  # none\nlist:\n  - - g: 1\n      h: 2\nlast: 3\n"
    )
    file = read(path)
    assert file.about == "does this, and that."
    assert file.examples == [("celltype x a=1", "one"), ("celltype x", "")]
    found = {name: (one.value, one.comment) for name, one in file.settings.items()}
    assert found == {
        "a": ("'#1'", "s, of a step on the left"), "b": ("{c: 1, d: 2}", "two"),
        "e.f": ("null", "none"), "last": ("3", ""),
    }  # fmt: skip
