"""Attributions of models whose answer is known: those that look at one pixel, one sample or one column only."""

import numpy as np
import pytest
import torch
from torch import nn

from celltype_cli.cells.about import About, Axis, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.studies.explain.attributions import attributions
from celltype_cli.trainers.networks import NetworkPredictor, Standardised

FREQUENCY, TIME = Axis("frequency", "Hz", 20, 199), Axis("time", "ms", -100, 1100)
NAMES = ("tau (ms)", "width (ms)", "rheobase (pA)")
RNG = np.random.default_rng(0)
SCALOGRAM = RNG.standard_normal((20, 2, 6, 7)).astype("f4") * 3 + 5
ROWS = np.arange(20).astype(str)
PICTURES = Cells(
    {"features": RNG.standard_normal((20, 3)).astype("f4"), "scalogram": SCALOGRAM},
    np.arange(20) % 2,
    ROWS,
    ROWS,
    ("A", "B"),
    About("toy", inputs={"features": Input(columns=NAMES), "scalogram": Input(axes=(FREQUENCY, TIME))}),
)


class OnePixel(nn.Module):
    """Logits 2 and -3 times one pixel of the second channel."""

    def forward(self, scalogram):
        pixel = scalogram[:, 1, 4, 2]
        return torch.stack([2 * pixel, -3 * pixel], dim=1)


class Curved(nn.Module):
    """Some network that is not linear, of two inputs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.seen = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Flatten(), nn.LazyLinear(2))
        self.read = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))

    def forward(self, features, scalogram):
        return self.seen(scalogram) * (1 + self.read(features))


def network(inner, moments):
    return NetworkPredictor(Standardised(inner, moments), accelerator="cpu", batch_size=8)


def explained(predict, cells=PICTURES, method="auto", background=PICTURES):
    return attributions(predict, cells, method, background=background)


def test_saliency_is_the_gradient_of_the_largest_logit():
    found = explained(network(OnePixel(), {"scalogram": (5.0, 3.0)}))
    assert (found.method, [*found.parts]) == ("saliency", ["scalogram"])  # and not the features, which it does not see
    above = SCALOGRAM[:, 1, 4, 2] > 5  # z-scored above 0: logit 2 x wins, else -3 x
    assert found.predicted.tolist() == (~above).astype(int).tolist()
    expected = np.zeros_like(SCALOGRAM)
    expected[:, 1, 4, 2] = np.where(above, 2, 3)
    part = found.parts["scalogram"]
    np.testing.assert_allclose(part.attribution, expected)
    assert part.values.tolist() == SCALOGRAM.tolist()
    assert part.axes == (FREQUENCY, TIME)


def test_integrated_gradients_of_a_linear_network_are_weight_times_distance_from_the_mean():
    found = explained(network(OnePixel(), {"scalogram": (5.0, 3.0)}), method="integrated_gradients")
    z = (SCALOGRAM[:, 1, 4, 2] - 5) / 3
    expected = np.zeros_like(SCALOGRAM)
    expected[:, 1, 4, 2] = np.where(z > 0, 2 * z, -3 * z)
    np.testing.assert_allclose(found.parts["scalogram"].attribution, expected, rtol=1e-4, atol=1e-6)
    assert found.notes == ()


def test_integrated_gradients_sum_to_the_difference_of_logits():
    moments = {"features": (0.1, 2.0), "scalogram": (5.0, 3.0)}
    predict = network(Curved(), moments)
    found = explained(predict, method="integrated_gradients")
    assert [*found.parts] == ["features", "scalogram"]
    assert found.parts["features"].columns == NAMES
    mean = {"features": np.full((1, 3), 0.1, "f4"), "scalogram": np.full((1, 2, 6, 7), 5, "f4")}
    with torch.no_grad():
        logits, at_mean = (
            predict.state().model(**{name: torch.tensor(v) for name, v in inputs.items()}).numpy()
            for inputs in (PICTURES.inputs, mean)
        )
    c = logits.argmax(axis=1)
    total = sum(part.attribution.reshape(20, -1).sum(axis=1) for part in found.parts.values())
    np.testing.assert_allclose(total, logits.max(axis=1) - at_mean[0, c], rtol=1e-3, atol=1e-4)


def test_integrated_gradients_that_miss_the_logits_are_noted():
    class Steps(nn.Module):
        """Jumps where no gradient sees it."""

        def forward(self, scalogram):
            pixel = scalogram[:, 0, 0, 0]
            return torch.stack([torch.sign(pixel) * 5 + 0 * pixel, 0 * pixel], dim=1)

    found = explained(network(Steps(), {"scalogram": (5.0, 3.0)}), method="integrated_gradients")
    assert "miss 100% of the logits" in found.notes[0]


def test_saliency_stays_at_the_sample_of_a_trace_and_its_axis_is_time():
    class OneSample(nn.Module):
        def forward(self, trace):
            return torch.stack([trace[:, 0, 7], 0 * trace[:, 0, 0]], dim=1)

    values = np.ones((3, 1, 31), "f4") * np.array([3, 4, 5], "f4")[:, None, None]
    about = About("t", inputs={"trace": Input("dF/F", 10.0, (Axis("time", "s", 0.0, 3.0),))})
    cells = Cells({"trace": values}, np.zeros(3, int), ROWS[:3], ROWS[:3], ("A", "B"), about)
    part = explained(network(OneSample(), {"trace": (0.0, 1.0)}), cells, background=cells).parts["trace"]
    assert np.flatnonzero(part.attribution[0, 0]).tolist() == [7]
    assert (part.axes, part.unit) == ((Axis("time", "s", 0.0, 3.0),), "dF/F")


def test_methods_that_do_not_go_with_a_model_are_refused():
    with pytest.raises(UserError, match="method=shap does not go with this model; .* saliency or integrated_gradients"):
        explained(network(OnePixel(), {"scalogram": (5.0, 3.0)}), method="shap")
