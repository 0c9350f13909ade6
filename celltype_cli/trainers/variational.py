"""Training of a network that codes its inputs and makes them anew from the code: on all rows, with a label or without.

Beau et al. 2025 (Cell, doi 10.1016/j.cell.2025.01.041): the loss of variational autoencoders is the summed squared
error plus beta (batch / N) KL, with a sigmoid from 0 to beta over the epochs. Here errors are of z-scored inputs, so
that one beta serves inputs on any scale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        network: `Standardised` about one with `autoencoded`, as `models.fusion.Fusion` has it; the rest: `Supervised`.
        beta: weight of the Kullback-Leibler divergence of codes from a standard normal, at the end.
        reconstruction: weight of the loss of the autoencoders.
        cross_entropy: weight of the loss of the classifier, on the rows with a label; 0 looks at no label. With it the
            curves of validation cells are those of the classifier.

    Raises:
        UserError: when the network has no autoencoders.
    """

    unlabelled = True

    def __init__(
        self,
        network: nn.Module,
        *,
        lr: float,
        betas: Sequence[float],
        lr_decay: float,
        period: int,
        auxiliary_weight: float,
        precision: str,
        beta: NotNegative,
        reconstruction: NotNegative,
        cross_entropy: NotNegative,
        class_weights: Float[Tensor, " class"] | None = None,
        weight_decay: NotNegative = 0.0,
        cosine: bool = False,
        frozen: Sequence[str] = (),
        augment: Mapping[str, Mapping[str, NotNegative]] = {},
    ) -> None:
        if not hasattr(network.inner, "autoencoded"):
            raise UserError(f"{type(network.inner).__name__} has no autoencoders to train; model=fusion has")
        usual = {"lr": lr, "betas": betas, "lr_decay": lr_decay, "period": period, "precision": precision}
        ours = {"weight_decay": weight_decay, "cosine": cosine, "frozen": frozen, "augment": augment}
        super().__init__(network, **usual, **ours, auxiliary_weight=auxiliary_weight, class_weights=class_weights)
        self.beta, self.reconstruction, self.cross_entropy = beta, reconstruction, cross_entropy

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
