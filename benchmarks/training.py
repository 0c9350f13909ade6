"""Prints how many examples a second our trainer trains, beside loops written by hand, all in one process.

Columns:
    plain     a loop as one would write it, over the network as one would write it, Adam with PyTorch's defaults
    network   the same loop over our network, with the optimiser as our trainer sets it
    fp32      our trainer: epochs after the first
    bf16      our trainer with trainer.precision=bf16
    keras     TensorFlow's `Model.fit` over the same cnn1d in fp32 (--keras)

The networks are the best cnn1d and rnn of Troullinou et al. (arXiv:1911.09977) on 4,000 samples of noise.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from loops import CLASSES, built, fitted_per_second, loop, noise
from torch import nn

from celltype_cli.cells.cells import Cells
from celltype_cli.runs import environment
from celltype_cli.trainers import batches

TIMESTEPS, PAPER_ROWS = 4000, 3157
RATIOS = (("fp32", "plain"), ("fp32", "network"), ("bf16", "plain"), ("fp32", "keras"), ("bf16", "keras"))


def plain_cnn1d() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(1, 32, 10), nn.ReLU(), nn.Conv1d(32, 64, 10), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(64, 64, 10), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(64 * 1982, 4),
    )  # fmt: skip


class PlainRNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.RNN(2000, 100, batch_first=True), nn.Linear(100, 4)

    def forward(self, trace):
        return self.head(torch.relu(self.rnn(trace.view(-1, 2, 2000))[0][:, -1]))


def keras_cnn1d(cells: Cells, batch_size: int, threads: int) -> Callable[[], float]:
    """Returns a function that fits with Keras and returns examples per second of the second epoch."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras, layers = tf.keras, tf.keras.layers
    conv = partial(layers.Conv1D, kernel_size=10, activation="relu")
    model = keras.Sequential([
        layers.Input((TIMESTEPS, 1)), conv(32), conv(64), layers.MaxPooling1D(2), conv(64), layers.Dropout(0.5),
        layers.Flatten(), layers.Dense(len(CLASSES), activation="softmax"),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(0.001, beta_2=0.99), "sparse_categorical_crossentropy")
    trace = cells.inputs["trace"].transpose(0, 2, 1).copy()
    times = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: times.append(time.perf_counter()),
        on_epoch_end=lambda *_: times.append(time.perf_counter()),
    )

    def fit() -> float:
        model.fit(trace, cells.label, batch_size=batch_size, epochs=2, verbose=0, callbacks=[clock])
        return len(cells) / (times[-1] - times[-2])

    return fit


def columns(name: str, args: argparse.Namespace) -> dict[str, Callable[[], float]]:
    """Returns what to measure, by column; the rnn gets the paper's 3,157 rows, some 50 times as many as the cnn1d."""
    plain = plain_cnn1d() if name == "cnn1d" else PlainRNN()
    rows = args.batches * args.batch_size
    cells = noise(rows if name == "cnn1d" else PAPER_ROWS, {"trace": (1, TIMESTEPS)})
    epochs = 1 if name == "cnn1d" else max(1, 50 * rows // PAPER_ROWS)
    chosen = (f"model={name}", "trainer=cpu", f"trainer.epochs={1 + epochs}", f"trainer.batch_size={args.batch_size}")
    trainers = {precision: built(*chosen, f"trainer.precision={precision}") for precision in ("fp32", "bf16")}
    trainer, model = trainers["fp32"]
    adam = partial(torch.optim.Adam, lr=trainer.lr, betas=tuple(trainer.betas))
    network = model(cells.shapes, len(CLASSES))
    bare = partial(loop, cells=cells, batch_size=args.batch_size, epochs=epochs)
    measured = {
        "plain": partial(bare, plain, adam(plain.parameters())),
        "network": partial(bare, network, adam(network.parameters(), fused=True)),
        **{precision: partial(fitted_per_second, *made, cells) for precision, made in trainers.items()},
    }
    if args.keras and name == "cnn1d":
        measured["keras"] = keras_cnn1d(cells, args.batch_size, args.threads)
    return measured


def report(name: str, speeds: dict[str, list[float]]) -> None:
    for column, values in speeds.items():
        print(f"  {name:6}{column:10}{statistics.median(values):9,.0f}   {min(values):,.0f} to {max(values):,.0f}")
    for top, bottom in RATIOS:
        if bottom in speeds:
            ratio = statistics.median(a / b for a, b in zip(speeds[top], speeds[bottom], strict=True))
            print(f"  {name:6}{top} / {bottom:8} {ratio:5.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=("cnn1d", "rnn"), help="only this one")
    parser.add_argument("--batches", type=int, default=20, help="mini-batches of the cnn1d in a round (default 20)")
    parser.add_argument("--rounds", type=int, default=5, help="times each column is measured, in turn (default 5)")
    parser.add_argument("--batch-size", type=int, default=32, help="rows of a mini-batch (default 32)")
    parser.add_argument("--threads", type=int, default=environment.threads(None, 1), help="default: all cores")
    parser.add_argument("--no-allocator", action="store_true", help="leave glibc's allocator as it is, in all columns")
    parser.add_argument("--keras", action="store_true", help="add a Keras column, where TensorFlow is installed")
    args = parser.parse_args()
    if args.keras and not importlib.util.find_spec("tensorflow"):
        parser.error("--keras needs TensorFlow: pip install tensorflow")

    torch.set_num_threads(args.threads)
    os.environ.pop("PYTORCH_NVML_BASED_CUDA_CHECK", None)  # Lightning's import sets it, and it slows the loops by hand
    if args.no_allocator:
        batches.keep_large_blocks = lambda: None  # the trainer would call it
    batches.keep_large_blocks()
    facts = environment.describe()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{facts['processor']}, {args.threads} threads on {facts['cores']} cores, load average {load}")
    names = ("python", "torch", "pytorch-lightning")
    print(", ".join(f"{name} {facts['versions'][name]}" for name in names), end="")
    print(f"; allocator: {'as glibc has it' if args.no_allocator else 'large blocks kept'}")
    print(f"{TIMESTEPS} samples, batch {args.batch_size}; examples per second: median of {args.rounds} rounds, range")
    for name in (args.model,) if args.model else ("cnn1d", "rnn"):
        measured = columns(name, args)
        speeds = {column: [] for column in measured}
        for turn in range(1 + args.rounds):  # the first turn warms up
            for column, measure in measured.items():
                speed = measure()
                if turn:
                    speeds[column].append(speed)
        report(name, speeds)


if __name__ == "__main__":
    main()
