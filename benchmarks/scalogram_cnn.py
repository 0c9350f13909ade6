"""Prints how many scalograms a second the four backbones train on and classify, on one core unless told otherwise.

Columns:
    train     steps of our trainer's kind (forward, backward, fused Adam), the median step
    classify  forward in use, no gradients
    ratio     to torchvision's own network on pictures that have three channels already

CPU time counts on a CPU, so that other programs on the machine disturb little.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torchvision
from loops import CLASSES, built, loss
from torch import nn

from celltype_cli.models.scalogram_cnn import HEADS
from celltype_cli.runs import environment
from celltype_cli.trainers.batches import keep_large_blocks


def ours(backbone: str, size: int) -> nn.Module:
    """Builds our network with random weights; Inception's auxiliary classifier takes its own size and more."""
    settings = (f"model.backbone={backbone}", "model.pretrained=false", f"model.auxiliary={size >= 299}")
    return built("model=scalogram_cnn", *settings)[1]({"scalogram": (2, size, size)}, len(CLASSES))


def per_second(work: Callable[[], None], rows: int, rounds: int) -> float:
    seconds = []
    for turn in range(1 + rounds):  # the first warms up
        started = time.process_time()
        work()
        if turn:
            seconds.append(time.process_time() - started)
    return rows / statistics.median(seconds)


def theirs(backbone: str, size: int) -> nn.Module:
    """Builds torchvision's network as it is."""
    auxiliary = {"aux_logits": size >= 299, "init_weights": True} if backbone == "inception_v3" else {}
    return torchvision.models.get_model(backbone, weights=None, num_classes=len(CLASSES), **auxiliary)


def measured(network: nn.Module, image: torch.Tensor, rounds: int, precision: str) -> tuple[float, float]:
    """Returns images per second in training and in use."""
    batch_size = len(image)
    adam = torch.optim.Adam(network.parameters(), lr=0.001, fused=True)
    label = torch.arange(batch_size) % len(CLASSES)

    def step() -> None:
        adam.zero_grad()
        loss(network, [image], label, precision, 1.0).backward()
        adam.step()

    @torch.inference_mode()
    def classify() -> None:
        network(image)

    trained = per_second(step, batch_size, rounds)
    network.eval()
    return trained, per_second(classify, batch_size, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=tuple(HEADS), help="only this one")
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 224], help="pixels; Inception's 224 becomes 299")
    parser.add_argument("--batch-size", type=int, default=32, help="rows of a mini-batch (default 32)")
    parser.add_argument("--rounds", type=int, default=3, help="steps that count (default 3)")
    parser.add_argument("--threads", type=int, default=1, help="default 1; with more, CPU time says little")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    keep_large_blocks()
    facts = environment.describe()
    print(f"{facts['processor']}, {args.threads} threads, torch {facts['versions']['torch']}, {args.precision}")
    print(f"mini-batches of {args.batch_size}; images per second of CPU time, median of {args.rounds}")
    print(f"  {'':14}{'pixels':>8}{'train':>9}{'ratio':>7}{'classify':>10}{'ratio':>7}")
    for backbone in (args.backbone,) if args.backbone else HEADS:
        for size in args.sizes:
            size = 299 if (backbone, size) == ("inception_v3", 224) else size
            speeds, others = (
                measured(network, torch.randn(args.batch_size, channels, size, size), args.rounds, args.precision)
                for network, channels in ((ours(backbone, size), 2), (theirs(backbone, size), 3))
            )
            cells = [f"{value:{width}.1f}{value / other:7.2f}" for value, other, width in zip(speeds, others, (9, 10))]
            print(f"  {backbone:14}{size:8}{''.join(cells)}", flush=True)


if __name__ == "__main__":
    main()
