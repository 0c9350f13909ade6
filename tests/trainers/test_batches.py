"""Mini-batches: every row once an epoch, in an order of seed and epoch, shared by all processes."""

import math

import numpy as np
import pytest
import torch

from celltype_cli.trainers import batches as module
from celltype_cli.trainers.batches import Batches


def rows_of(iterable):
    """Row numbers of each mini-batch of each block, which the inputs and the labels must agree on."""
    found = []
    for block in iterable:
        for inputs, label in block:
            assert torch.equal(inputs["x"][:, 0], label * 10)
            found.append(label.tolist())
    return found


def numbered(rows, *, batch_size=4, seed=3, world_size=1, epoch=0, smallest=1):
    made = Batches({"x": np.arange(rows)[:, None] * 10}, np.arange(rows), batch_size=batch_size, seed=seed,
                   world_size=world_size, smallest=smallest)  # fmt: skip
    made.epoch = epoch
    return made


def test_batches_give_every_row_once_an_epoch():
    for epoch in range(3):
        found = rows_of(numbered(10, epoch=epoch))
        assert [len(rows) for rows in found] == [4, 4, 2]
        assert sorted(sum(found, [])) == list(range(10))


def test_the_order_of_rows_depends_on_seed_and_epoch_alone():
    usual = numbered(30)
    first = rows_of(usual)
    torch.manual_seed(5)
    assert rows_of(usual) == rows_of(numbered(30)) == first
    usual.epoch = 1
    assert rows_of(usual) == rows_of(numbered(30, epoch=1))
    assert len({str(rows) for rows in (first, rows_of(usual), rows_of(numbered(30, seed=4)))}) == 3
    assert sum(rows_of(numbered(30, seed=None)), []) == list(range(30))


@pytest.mark.parametrize(("count", "row_bytes", "per_block"), [(3, 8, 3), (100, 8, 4), (100, 64, 1)])
def test_blocks_are_bounded_in_batches_and_bytes(count, row_bytes, per_block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BATCHES", count)
    monkeypatch.setattr(module, "BLOCK_BYTES", 4 * 4 * 8)  # four batches of four rows of eight bytes
    x = np.zeros((30, row_bytes // 8))
    made = Batches({"x": x}, np.arange(30), batch_size=4, seed=0, world_size=1)
    sizes = [len(block) for block in made]
    assert sum(sizes) == 8  # mini-batches of 30 rows
    assert set(sizes[:-1]) == {per_block}
    assert len(made) == len(sizes)


@pytest.mark.parametrize("rows", [30, 31])
def test_processes_share_each_mini_batch(rows, monkeypatch):
    shares = []
    for rank in range(2):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        shares.append(rows_of(numbered(rows, world_size=2)))
    whole = rows_of(numbered(rows))
    assert [len(share) for share in shares[0]] == [len(share) for share in shares[1]]
    assert [set(a + b) for a, b in zip(*shares, strict=True)][:-1] == [set(batch) for batch in whole][:-1]
    taken = sum(shares[0] + shares[1], [])
    assert set(taken) == set(range(rows))
    assert len(taken) == 2 * math.ceil(rows / 2)  # of 31 rows one is taken twice


def test_rarer_labels_are_drawn_again_until_all_have_as_many():
    label = np.array([0] * 7 + [1] * 3 + [-1] * 2)
    x = np.arange(12, dtype=np.float32)
    batches = Batches({"x": x}, label, batch_size=4, seed=0, world_size=1, oversample=True)
    drawn = [torch.cat([inputs["x"] for block in batches for inputs, _ in block]).int().tolist()]
    batches.epoch = 1
    drawn.append(torch.cat([inputs["x"] for block in batches for inputs, _ in block]).int().tolist())
    for epoch in drawn:
        assert np.unique(label[epoch], return_counts=True)[1].tolist() == [7, 7, 7]
        assert {*epoch} == {*range(12)}  # each at least once
        assert len(epoch) == batches.n_rows == 21
    assert drawn[0] != drawn[1] and sorted(drawn[0]) != sorted(drawn[1])
    whole = Batches({"x": x}, label, batch_size=4, seed=0, world_size=1)
    assert whole.n_rows == 12


def test_each_epoch_draws_a_copy_or_the_row_as_it_is():
    x, copies = np.arange(300)[:, None] * 10, np.arange(300)[:, None, None] * 10 + np.array([1, 2])[None, :, None]
    made = Batches({"x": x, "y": x.astype(float)}, np.arange(300), batch_size=7, seed=0, world_size=1,
                   copies={"x": copies, "absent": copies})  # fmt: skip
    epochs = []
    for epoch in (0, 1, 0):
        made.epoch = epoch
        rows = {}
        for block in made:
            for inputs, label in block:
                assert torch.equal(inputs["y"][:, 0], label * 10.0)
                rows |= dict(zip(label.tolist(), (inputs["x"][:, 0] - label * 10).tolist(), strict=True))
        epochs.append([rows[row] for row in range(300)])
    assert np.bincount(epochs[0]) == pytest.approx(100, abs=25)
    assert epochs[0] == epochs[2] != epochs[1]
    assert (x[:, 0] == np.arange(300) * 10).all()


@pytest.mark.parametrize(
    ("rows", "world_size", "smallest", "sizes"),
    [
        (9, 1, 1, [4, 4, 1]),
        (9, 1, 2, [4, 5]),  # the ninth row joins
        (10, 1, 2, [4, 4, 2]),
        (1, 1, 2, [1]),  # nothing to join
        (10, 2, 1, [2, 2, 1]),  # of each process
        (10, 2, 2, [2, 3]),
        (9, 2, 2, [2, 3]),  # one row is taken twice
        (11, 2, 2, [2, 2, 2]),
    ],
)
def test_a_last_mini_batch_that_is_too_small_joins_the_one_before(rows, world_size, smallest, sizes, monkeypatch):
    taken = []
    for rank in range(world_size):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        made = numbered(rows, world_size=world_size, smallest=smallest)
        blocks = list(made)
        assert len(blocks) == len(made)
        labels = [label.tolist() for block in blocks for _, label in block]
        assert [len(label) for label in labels] == sizes
        taken += sum(labels, [])
    assert set(taken) == set(range(rows))
    assert len(taken) == rows + rows % world_size
