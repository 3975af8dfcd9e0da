"""``python -m rnnapp code``: a run's settings as a standalone PyTorch script or notebook."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rnnapp.commands.arguments import (
    add_data,
    add_options,
    read_data,
    read_options,
    read_window,
)
from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["register"]

_WRITTEN = N_("Wrote {files}.")
_DATA_MISSING = N_("Its {rows:,} rows of data are not in it. Use --out run.py to write both.")
_UNKNOWN_KIND = N_(
    "{name} is neither a script nor a notebook. Use a name that ends in .py or .ipynb."
)
_UNWRITABLE = N_("{name} cannot be written ({reason}). Use another path.")


def register(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "code", help=_("write a run as plain PyTorch code"), allow_abbrev=False
    )
    add_data(parser)
    for cls in (WindowConfig, ModelConfig, TrainConfig):
        add_options(parser, cls)
    parser.add_argument(
        "--out",
        metavar="run.py|run.ipynb",
        help=_("where to write; without it the script is printed"),
    )
    parser.set_defaults(run=write_code)


def write_code(args: argparse.Namespace) -> int:
    """Write the script or the notebook, and the data beside it where it is long.

    Raises:
        ConfigError: a file name of another kind, or a path that cannot be written.
        DataError: prices that cannot be read.
    """
    from rnnapp.data.windows import make_split
    from rnnapp.export.script import EMBEDDED_ROWS, data_csv, run_notebook, run_script

    out = Path(args.out or "run.py")
    writers = {".py": run_script, ".ipynb": run_notebook}
    if out.suffix not in writers:
        raise ConfigError(_(_UNKNOWN_KIND).format(name=out.name))
    prices = read_data(args)
    split = make_split(prices, read_window(args, prices))
    data = _choose_data_file(out, args)
    text = writers[out.suffix](
        split,
        read_options(args, ModelConfig),
        read_options(args, TrainConfig),
        data_file=data.name,
    )
    if not args.out:
        print(text, end="")
        if len(split.prices) > EMBEDDED_ROWS:
            print(_(_DATA_MISSING).format(rows=len(split.prices)), file=sys.stderr)
        return 0
    files = {out: text}
    if len(split.prices) > EMBEDDED_ROWS:
        files[data] = data_csv(split)
    _write_files(files)
    print(_(_WRITTEN).format(files=" and ".join(path.name for path in files)))
    return 0


def _choose_data_file(out: Path, args: argparse.Namespace) -> Path:
    """Where the rows go, beside the code: never over a file that they were read from."""
    chosen = out.with_suffix(".csv")
    sources = [Path(name) for name in (args.file, args.second) if name]
    if chosen.exists() and any(file.exists() and chosen.samefile(file) for file in sources):
        return out.with_name(f"{out.stem}-rows.csv")
    return chosen


def _write_files(files: dict[Path, str]) -> None:
    for path, text in files.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            message = _(_UNWRITABLE).format(name=path.name, reason=error.strerror)
            raise ConfigError(message) from error
