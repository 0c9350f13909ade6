"""Vanilla RNN and LSTM on traces reorganised into a few long steps.

Paper: Troullinou et al., arXiv:1911.09977, sections 3.1, 3.2 and 4.2, Table 1: a trace of N samples becomes T steps of
d = N / T samples each (T = 2, 5, 10); 100 hidden units; ReLU after each recurrent layer; one fully connected layer on
the last step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from annotated_types import Ge, Interval
from jaxtyping import Float
from torch import Tensor, nn

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM}


class Recurrent(nn.Module):
    """Runs recurrent layers over `steps` consecutive pieces of a trace and classifies the last step.

    Args:
        shapes: {"trace": (1, timesteps)}.
        n_classes: number of logits.
        layers: from "rnn", "lstm" and "dropout", in order.
        steps: T, the number of pieces; samples left over at the end of the trace are not used.
        hidden: units of each recurrent layer.
        dropout: probability of each "dropout" layer.
        recurrent_dropout: probability of dropping a unit of the hidden state handed from step to step, one mask for
            all steps of a sequence (Gal and Ghahramani, NeurIPS 2016).

    Raises:
        ValueError: for an unknown layer, more steps than samples, or a probability outside [0, 1).
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        n_classes: int,
        *,
        layers: Sequence[str],
        steps: Annotated[int, Ge(1)],
        hidden: Annotated[int, Ge(1)],
        dropout: Annotated[float, Interval(ge=0, lt=1)],
        recurrent_dropout: Annotated[float, Interval(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        timesteps = shapes["trace"][-1]
        if not 1 <= steps <= timesteps:
            raise ValueError(f"model.steps: {steps} steps cannot be made of {timesteps} samples")
        for name, p in {"dropout": dropout, "recurrent_dropout": recurrent_dropout}.items():
            if not 0 <= p < 1:
                raise ValueError(f"model.{name}: {p} is not in [0, 1)")
        self.steps, self.recurrent_dropout = steps, recurrent_dropout
        width, blocks = timesteps // steps, []
        for layer in layers:
            if layer in CELLS:
                blocks.append(CELLS[layer](width, hidden, batch_first=True))
                width = hidden
            elif layer == "dropout":
                blocks.append(nn.Dropout(dropout))
            else:
                raise ValueError(f"model.layers: {layer!r} is none of rnn, lstm, dropout")
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(width, n_classes)

    def forward(self, trace: Float[Tensor, "row 1 time"]) -> Float[Tensor, "row class"]:
        """Returns logits."""
        width = trace.shape[-1] // self.steps
        x = trace[:, 0, : self.steps * width].unflatten(1, (self.steps, width))
        for block in self.blocks:
            x = block(x) if isinstance(block, nn.Dropout) else torch.relu(self._run(block, x))
        return self.head(x[:, -1])

    def _run(self, block: nn.RNNBase, x: Float[Tensor, "row step in"]) -> Float[Tensor, "row step hidden"]:
        if not (self.training and self.recurrent_dropout):
            return block(x)[0]
        keep = 1 - self.recurrent_dropout
        mask = torch.bernoulli(torch.full((1, len(x), block.hidden_size), keep, device=x.device)) / keep
        outputs, state = [], None
        for step in range(x.shape[1]):
            output, state = block(x[:, step : step + 1], state)
            state = (state[0] * mask, state[1]) if isinstance(state, tuple) else state * mask
            outputs.append(output)
        return torch.cat(outputs, dim=1)
