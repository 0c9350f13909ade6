"""The network of sorted units: sized as published, of any choice of inputs, each row alone."""

from functools import partial

import pytest
import torch
from made.configs import compose
from made.fusion import SHAPES, TINY, inputs

from celltype_cli.core import configs
from celltype_cli.models.fusion import Fusion

WAVEFORM, ACG, LAYER = {"waveform": (1, 90)}, {"acg": (1, 10, 101)}, {"layer": (4,)}


def published(shapes, n_classes=5):
    with torch.device("meta"):
        return configs.build(compose("train", "model=fusion").model)(shapes, n_classes)


def count(module):
    return sum(weights.numel() for weights in module.parameters())


def test_the_published_autoencoders_have_the_size_worked_out_by_hand():
    network = published({**WAVEFORM, **ACG})
    # 90 x 600 + 600, 600 x 300 + 300, 300 x 20 + 20
    assert count(network.encoders["waveform"]) == 54_600 + 180_300 + 6_020
    # 10 x 300 + 300, 300 x 600 + 600, 600 x 90 + 90
    assert count(network.decoders["waveform"]) == 3_300 + 180_600 + 54_090
    # 8 filters of 1 x 10; 16 of 8 x 5 x 1; batch norms of 8 and 16; 368 x 200 + 200; 200 x 20 + 20
    assert count(network.encoders["acg"]) == 88 + 656 + 16 + 32 + 73_800 + 4_020
    # 10 x 250 + 250, 250 x 500 + 500, 500 x 1010 + 1010
    assert count(network.decoders["acg"]) == 2_750 + 125_500 + 506_010


@pytest.mark.parametrize(
    ("shapes", "joined", "columns"),
    [(WAVEFORM, 10, 0), ({**WAVEFORM, **ACG, **LAYER}, 24, 4), ({**ACG, "features": (18,)}, 10, 0)],
)
def test_the_head_joins_what_there_is(shapes, joined, columns):
    network = published(shapes)
    # batch norm, 100 units, classes; the layer is joined twice
    assert count(network.head) + count(network.last) == 2 * joined + 101 * joined + 100 - joined + 5 * (101 + columns)


CHOICES = [["waveform"], ["acg", "layer"], ["correlogram", "isi"], [*SHAPES]]


@pytest.mark.parametrize("names", CHOICES)
def test_each_row_is_seen_alone(names):
    torch.manual_seed(0)
    network = TINY({name: SHAPES[name] for name in names}, 3).eval()
    given = inputs(names, rows=5)
    logits = network(**given)
    assert logits.shape == (5, 3)
    torch.testing.assert_close(network(**{name: x[[3]] for name, x in given.items()}), logits[[3]])


@pytest.mark.parametrize("name", [*SHAPES])
def test_every_input_counts(name):
    torch.manual_seed(0)
    network, given = TINY(SHAPES, 3).eval(), inputs(SHAPES, rows=4)
    changed = {**given, name: given[name].flip(0)}
    assert (network(**changed) - network(**given)).abs().max() > 1e-5


def test_what_is_made_of_a_code_has_the_shape_of_the_input():
    network, given = TINY(SHAPES, 3), inputs(SHAPES, rows=4)
    found = network.autoencoded(given)
    assert [*found] == ["waveform", "correlogram", "isi", "acg"]
    for name, (made, mean, log_variance) in found.items():
        assert made.shape == given[name].shape
        assert mean.shape == log_variance.shape == (4, 2)
    again = network.eval().autoencoded(given)["isi"][0]
    assert torch.equal(again, network.autoencoded(given)["isi"][0])  # in use nothing is drawn
    assert torch.equal(again, network.decoders["isi"](network.encoders["isi"](given["isi"])[0]).reshape(4, 1, 20))


def test_codes_are_drawn_in_training():
    torch.manual_seed(0)
    still = partial(TINY, vector_dropout=0.0, image_dropout=0.0)(SHAPES, 3)
    given = inputs(SHAPES, rows=4)
    first, second = (still.autoencoded(given)["isi"][0] for _ in range(2))
    assert (first - second).abs().max() > 1e-4


def test_what_cannot_be_built_is_said():
    with pytest.raises(KeyError, match="waveform or correlogram or isi or acg"):
        TINY({"layer": (4,), "features": (3,)}, 3)
    with pytest.raises(ValueError, match=r"image of \(1, 3, 9\) is too small"):
        TINY({"acg": (1, 3, 9)}, 3)


def test_the_class_names_what_it_takes():
    assert {*Fusion.forward.__annotations__} - {"return"} == {*SHAPES}
