"""``python -m rnnapp digits train | eval | classify``: nets that read digits row by row."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from rnnapp.commands.arguments import add_options, read_options
from rnnapp.configs import DigitConfig, ModelConfig, TrainConfig, options, to_dict
from rnnapp.data.digits import load_digits, make_augment
from rnnapp.data.drawings import digits_of, read_drawings
from rnnapp.data.pictures import read_picture
from rnnapp.data.segments import Digits, find_digits, find_one_digit
from rnnapp.data.sequences import FloatArray
from rnnapp.evaluation.digits import DigitScores, score_digits
from rnnapp.language import gettext as _
from rnnapp.pretrained import DRAWING_NET, NETS, DigitNet, digit_facts, open_net
from rnnapp.training.checkpoints import save_model
from rnnapp.training.loop import TrainedModel, Training

__all__ = ["register"]


def register(subparsers: Any) -> None:
    """Add the verb and its three actions."""
    parser = subparsers.add_parser(
        "digits",
        help=_("train, judge and use nets that read handwritten digits"),
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", required=True)
    _add_train(actions.add_parser("train", help=_("train a net on digits"), allow_abbrev=False))
    judge = actions.add_parser(
        "eval", help=_("judge a net on drawings, or on the test digits"), allow_abbrev=False
    )
    judge.add_argument(
        "--strokes",
        metavar="FILE.json",
        help=_("drawings; without it the test part of the digits is taken"),
    )
    _add_net(judge, _run_eval)
    classify = actions.add_parser(
        "classify", help=_("say which digit a picture shows"), allow_abbrev=False
    )
    classify.add_argument(
        "image",
        metavar="IMAGE.png",
        help=_("a picture of one digit, dark on light or light on dark"),
    )
    classify.add_argument(
        "--several", action="store_true", help=_("read every digit of the picture, line by line")
    )
    _add_net(classify, _run_classify)


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--net",
        choices=tuple(NETS),
        default="bilstm",
        help=_("net to take the settings from (default bilstm)"),
    )
    for settings in NETS["bilstm"].settings:
        _add_settings(parser, settings)
    parser.add_argument("--strokes", metavar="FILE.json", help=_("judge it on these drawings too"))
    parser.add_argument(
        "--out", metavar="DIR", help=_("write the weights (safetensors) and settings (JSON)")
    )
    parser.add_argument("--json", action="store_true", help=_("print JSON"))
    parser.set_defaults(run=_run_train)


def _add_settings(
    parser: argparse.ArgumentParser, settings: ModelConfig | TrainConfig | DigitConfig
) -> None:
    add_options(parser, type(settings), **to_dict(settings))
    parser.set_defaults(**dict.fromkeys(options(settings)))  # what is not given is the chosen net's


def _add_net(parser: argparse.ArgumentParser, run: Any) -> None:
    parser.add_argument(
        "--net",
        default=DRAWING_NET,
        metavar="NAME|DIR",
        help=_("{nets}, or a saved one (default {drawing_net})").format(
            nets=", ".join(NETS), drawing_net=DRAWING_NET
        ),
    )
    parser.add_argument("--json", action="store_true", help=_("print JSON"))
    parser.set_defaults(run=run)


def _run_train(args: argparse.Namespace) -> int:
    model, train, digits = _read_settings(args)
    split = load_digits(digits)
    training = Training(split, model, train, augment=make_augment(digits))
    for event in training.epochs():
        if not args.json:
            print(
                _(
                    "epoch {epoch:>3}  loss {train_loss:.4f}"
                    "  train {train_accuracy:.2%}  test {test_accuracy:.2%}"
                    "  {seconds:.0f} s"
                ).format(
                    epoch=event.epoch + 1,
                    train_loss=event.train_loss,
                    train_accuracy=event.train_accuracy,
                    test_accuracy=event.test_accuracy,
                    seconds=event.seconds,
                ),
                flush=True,
            )
    trained = training.result()
    scores = score_digits(trained.predict(split.test), split.test.targets)
    facts = digit_facts(trained, split, scores)
    if args.strokes:
        net = DigitNet(model.name, trained, digits, facts)
        facts["drawings"] = {
            "file": Path(args.strokes).name,
            **_drawn_scores(net, args.strokes).to_report(),
        }
    if args.out:
        save_model(trained, args.out, **facts)
    template = _("{net} reads {share:.2%} of {count:,} test digits of {data} right.")
    answer = template.format(
        net=model.name, share=scores.accuracy, count=len(split.test), data=split.name
    )
    if args.json:
        print(json.dumps(_train_report(trained, facts, answer)))
    else:
        print("\n".join([*split.notes, answer]))
    return 0


def _run_eval(args: argparse.Namespace) -> int:
    net = open_net(args.net)
    if args.strokes:
        scores = _drawn_scores(net, args.strokes)
        source = args.strokes
    else:
        split = load_digits(dataclasses.replace(net.digits, augment="none"))
        scores = score_digits(net.trained.predict(split.test), split.test.targets)
        source = _("the test digits of {name}").format(name=split.name)
    if args.json:
        print(json.dumps({"net": net.title, "of": source, **scores.to_report()}))
    else:
        print(
            _("{title} reads {accuracy:.1%} of {count:,} digits right ({source}).").format(
                title=net.title, accuracy=scores.accuracy, count=len(scores.targets), source=source
            )
        )
        print("\n".join(f"  {digit}: {share:.1%}" for digit, share in enumerate(scores.per_class)))
    return 0


def _drawn_scores(net: DigitNet, file: str) -> DigitScores:
    pictures, targets, refusals = digits_of(read_drawings(file))
    return score_digits(
        net.scores(pictures), targets, np.array([bool(refusal) for refusal in refusals])
    )


def _run_classify(args: argparse.Namespace) -> int:
    net = open_net(args.net)
    picture = read_picture(args.image)
    if args.several:
        _print_several(net, find_digits(picture), as_json=args.json)
        return 0
    shares = net.probabilities(find_one_digit(picture))
    if args.json:
        print(json.dumps({"net": net.title, **_answer_report(shares)}))
    else:
        print(
            _("{argmax}, {max:.1%} sure ({title})").format(
                argmax=shares.argmax(), max=shares.max(), title=net.title
            )
        )
    return 0


def _print_several(net: DigitNet, digits: Digits, *, as_json: bool) -> None:
    shares = [net.probabilities(picture) for picture in digits.pictures]
    if as_json:
        answers = [_answer_report(share) for share in shares]
        report = {"net": net.title, "count": len(answers), "digits": answers}
        print(json.dumps(report | {"removed": list(digits.removed)}))
        return
    answers_text = " ".join(str(share.argmax()) for share in shares)
    least = min(float(share.max()) for share in shares)
    if len(shares) == 1:
        print(
            _("1 digit: {answers_text}, {least:.1%} sure ({title})").format(
                answers_text=answers_text, least=least, title=net.title
            )
        )
    else:
        print(
            _("{count} digits: {answers_text}, each at least {least:.1%} sure ({title})").format(
                count=len(shares), answers_text=answers_text, least=least, title=net.title
            )
        )


def _answer_report(shares: FloatArray) -> dict[str, int | dict[str, float]]:
    probabilities = {str(digit): float(share) for digit, share in enumerate(shares)}
    return {"answer": int(shares.argmax()), "probabilities": probabilities}


def _train_report(trained: TrainedModel, facts: dict[str, Any], answer: str) -> dict[str, Any]:
    return {
        **facts,
        "settings": {**to_dict(trained.model), **to_dict(trained.train), **facts["digits"]},
        "device": trained.device,
        "backend": trained.backend,
        "seconds": trained.seconds,
        "stopped": trained.stopped,
        "history": [dataclasses.asdict(event) for event in trained.history],
        "answer": answer,
    }


def _read_settings(args: argparse.Namespace) -> tuple[ModelConfig, TrainConfig, DigitConfig]:
    """The named net's settings with what the options say instead."""
    recipe = NETS[args.net]
    for settings in recipe.settings:
        for name, value in to_dict(settings).items():
            if getattr(args, name) is None:
                setattr(args, name, value)
    return (
        read_options(args, ModelConfig),
        read_options(args, TrainConfig),
        read_options(args, DigitConfig),
    )
