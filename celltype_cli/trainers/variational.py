"""Training of a network that codes its inputs and makes them anew from the code: on all rows, with a label or without.

Beau et al. 2025 (Cell, doi 10.1016/j.cell.2025.01.041): the loss of variational autoencoders is the summed squared
error plus beta (batch / N) KL, with a sigmoid from 0 to beta over the epochs. Here errors are of z-scored inputs, so
that one beta serves inputs on any scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import NotNegative
from celltype_cli.trainers.tasks import Supervised

STEEP = 12.0  # of the sigmoid, over a training of length 1: it begins and ends within 0.3 % of 0 and 1


class Variational(Supervised):
    """Trains a network's autoencoders and, where asked to, its classifier with them, on mini-batches of both rows.

    Args:
        network: `Standardised` about one with `encoders` and `decoders` by input, and `autoencoded`, as
            `models.fusion.Fusion` has them.
        settings: as of `Supervised`.
        inputs: whose autoencoders are trained; None for all. The stage is passed over where none of them is prepared.
        beta: weight of the Kullback-Leibler divergence of codes from a standard normal, at the end.
        reconstruction: weight of the loss of the autoencoders.
        cross_entropy: weight of the loss of the classifier, on the rows with a label; 0 looks at no label. With it the
            curves of validation cells are those of the classifier; without, its weights stay as they are.

    Raises:
        UserError: when the network has no autoencoders, or some of them are to train together with the classifier.
    """

    unlabelled = True

    def __init__(
        self,
        network: nn.Module,
        *,
        beta: NotNegative,
        reconstruction: NotNegative,
        cross_entropy: NotNegative,
        inputs: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        if not hasattr(network.inner, "autoencoded"):
            raise UserError(f"{type(network.inner).__name__} has no autoencoders to train; model=fusion has")
        if inputs is not None and cross_entropy:
            raise UserError("inputs goes with cross_entropy=0: the classifier takes all of them; set it to null")
        super().__init__(network, **settings)
        self.beta, self.reconstruction, self.cross_entropy = beta, reconstruction, cross_entropy
        if not cross_entropy:
            self._train_alone([*network.inner.encoders] if inputs is None else inputs)

    def _train_alone(self, inputs: Sequence[str]) -> None:
        """Has no weights trained but those of the autoencoders of some inputs."""
        self.network.requires_grad_(False)
        for parts in (self.network.inner.encoders, self.network.inner.decoders):
            for name in {*inputs} & {*parts}:
                parts[name].requires_grad_(True)

    def loss(self, inputs: dict[str, Tensor], label: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the mean loss of a mini-batch, and that of each row."""
        inputs = self.changed(inputs)
        rows = self.reconstruction * self.remade(inputs)
        known = label != UNLABELLED
        if self.cross_entropy and known.any():
            logits = self.logits(inputs)[0][known]
            of_known = F.cross_entropy(logits, label[known], self.class_weights, reduction="none")
            share = len(label) / len(logits)  # the mean is over those that have a label
            rows = rows.index_add(0, known.nonzero()[:, 0], self.cross_entropy * share * of_known)
        return rows.mean(), rows

    def remade(self, inputs: dict[str, Tensor]) -> Float[Tensor, " row"]:
        """Returns the loss of the autoencoders on each row: squared error + weight of the divergence * divergence."""
        scaled = self.network.scaled(inputs)
        with self.autocast():
            found = self.network.inner.autoencoded(scaled)
        total = 0.0
        for name, (made, mean, log_variance) in found.items():
            error = (made.float() - scaled[name]).square().flatten(1).sum(dim=1)
            mean, log_variance = mean.float(), log_variance.float()
            divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=1)
            total = total + error + self.weight() * len(mean) / self.trainer.train_dataloader.n_rows * divergence
        return total

    def weight(self) -> float:
        """Returns beta as it is in this epoch."""
        done = (self.current_epoch + 0.5) / self.trainer.max_epochs
        return self.beta / (1 + torch.exp(torch.tensor(-STEEP * (done - 0.5))).item())

    def sums(self, outputs: list[Tensor], block: list[tuple[dict[str, Tensor], Tensor]]) -> dict[str, Tensor]:
        loss = torch.cat(outputs).double()
        return {"loss": loss.sum(), "rows": torch.tensor(float(len(loss)), device=loss.device)}

    def validation_step(self, block: list[tuple[dict[str, Tensor], Tensor]], _: int) -> dict[str, Tensor]:
        if not self.cross_entropy:
            return super().validation_step(block, _)
        return super().sums([self.logits(inputs)[0] for inputs, _label in block], block)
