"""The user's own config folder: a damaged file is one line, and the lines to type next name the folder."""

import pytest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hidden: 7\nhidden: 8\n", "line 2: hidden stands here again"),
        (b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
         b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n", "anchors repeat each other"),
        (b"3\n", "expected lines"),
        (b"defaults: 3\n", "Invalid defaults list in 'model/mine'"),
        (b"defaults: [nope]\n", "model=nope is not there"),
        (b"", "model._target_ is needed"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("group", ["model", "paper"])
def test_a_damaged_file_is_said_with_its_place(celltype, tmp_path, group, content, said):
    (tmp_path / "conf" / group).mkdir(parents=True)
    (tmp_path / "conf" / group / "mine.yaml").write_bytes(content)
    command = "train" if group == "model" else "report"
    code, _, err = celltype(command, "--config-dir", "conf", f"{group}=mine")
    assert code == 2
    assert "Traceback" not in err
    assert len(err) < 1500
    if group == "model" or content[:1] not in (b"", b"d"):
        assert said in err
        assert "mine" in err


def test_next_lines_keep_the_folder(celltype, tmp_path):
    (tmp_path / "conf" / "dataset").mkdir(parents=True)
    (tmp_path / "conf" / "dataset" / "mine.yaml").write_text(
        "defaults: [calcium_sim, _self_]\ncells_per_class: 6\ntimesteps: 200\n"
    )
    code, out, _ = celltype("data", "--config-dir", "conf", "dataset=mine")
    assert code == 0
    assert f"celltype train --config-dir {tmp_path / 'conf'} dataset=mine model=forest" in out
