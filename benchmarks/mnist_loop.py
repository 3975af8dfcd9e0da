"""The notebook's BiLSTM on MNIST: test accuracy by seed, and seconds beside the notebook's loop.

    python benchmarks/mnist_loop.py --seeds 3 --epochs 11
    python benchmarks/mnist_loop.py --seeds 1 --schedule one-cycle --lr 0.01 --augment affine

One epoch alone, by everyone in turn, is part of ``run.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics

import notebook_loop
import numpy as np
import torch
from timing import machine, timed

from rnnapp.configs import TrainConfig
from rnnapp.data.digits import DigitSplit, load_digits, make_augment
from rnnapp.pretrained import NETS
from rnnapp.training.kernels.compilation import warm_up
from rnnapp.training.loop import TrainedModel, Training

RECIPE = NETS["bilstm"]
MODEL = RECIPE.model


def ours(split: DigitSplit, train: TrainConfig) -> TrainedModel:
    """A whole training by this product."""
    training = Training(split, MODEL, train, augment=make_augment(split.config))
    for _ in training.epochs():
        pass
    return training.result()


def loop(split: DigitSplit, train: TrainConfig) -> float:
    """The same by the notebook's loop, sample by sample through a DataLoader.

    Returns the test accuracy.
    """
    torch.manual_seed(train.seed)
    net = notebook_loop.Net("lstm", 28, MODEL.hidden, MODEL.layers, 28, 10, squash=False, both=True)
    inputs, tests = (
        np.ascontiguousarray(part.inputs).astype(np.float32) / 255
        for part in (split.train, split.test)
    )
    setting = dict(
        epochs=train.epochs, batch=train.batch, lr=train.lr, seed=train.seed, classes=True
    )
    notebook_loop.train(net, inputs, split.train.targets, **setting)
    with torch.inference_mode():
        answers = torch.cat([net(chunk) for chunk in torch.from_numpy(tests).split(1000)]).argmax(1)
    return float((answers.numpy() == split.test.targets).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=11)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--schedule", default="constant")
    parser.add_argument("--augment", default="none")
    parser.add_argument("--alone", action="store_true", help="leave the notebook's loop out")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warm_up().join()  # a kernel that is still being compiled would leave the work to torch
    split = load_digits(dataclasses.replace(RECIPE.digits, source="mnist", augment=args.augment))
    train = TrainConfig(
        epochs=args.epochs, batch=128, lr=args.lr, schedule=args.schedule, device="cpu"
    )
    print(machine())
    ratios = []
    for seed in range(args.seeds):
        trained, took = timed(lambda seed=seed: ours(split, dataclasses.replace(train, seed=seed)))
        accuracy = trained.history[-1].test_accuracy
        told = (
            f"seed {seed}: ours ({trained.backend}) {accuracy:.2%} in {took['seconds']:.0f} s, "
            f"processor {took['cpu']:.0f} s"
        )
        if not args.alone:
            other, spent = timed(
                lambda seed=seed: loop(split, dataclasses.replace(train, seed=seed))
            )
            told += (
                f"; the loop {other:.2%} in {spent['seconds']:.0f} s, "
                f"processor {spent['cpu']:.0f} s"
            )
            ratios.append(spent["cpu"] / took["cpu"])
        print(told, flush=True)
    if ratios:
        print(f"the loop takes {statistics.median(ratios):.2f} times our processor time")


if __name__ == "__main__":
    main()
