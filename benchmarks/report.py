"""Results as tables in README.md and as a plot."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from setting import CELLS

__all__ = ["write"]

_HERE = Path(__file__).parent
_NAMES = {
    "keras": "Keras 3 on JAX",
    "darts": "Darts BlockRNNModel",
    "neuralforecast": "NeuralForecast",
}
_MARK = "<!-- results -->"


def write(results: dict[str, Any]) -> None:
    """Put the results behind the mark in README.md, and draw plot.png."""
    page = _HERE / "README.md"
    head = page.read_text().partition(_MARK)[0]
    machines = results.get("machines", {})
    parts = [
        f"{_MARK}\n\nMachine, where no other is named: {results['machine']}. "
        f"Data: {results['data']}. Medians of {results['repeats']}, taken in turn.\n"
    ]
    if "side_by_side" in results:
        parts += [_stock(cell, results["side_by_side"][cell]) for cell in CELLS]
        _plot(results)
    for what, unit in (("rows", "rows"), ("window", "days"), ("hidden", "units")):
        if what in results:
            parts.append(_growth(what, unit, results[what]))
    tables = {"floor": _floor, "commands": _commands, "drag": _drag, "start": _start}
    tables |= {"ensembles": _ensembles, "million": _million, "mnist": _mnist, "page": _page}
    tables |= {"strokes": _strokes, "anatomy": _anatomy, "sessions": _sessions}
    tables |= {"load": _load, "rivals": _rivals}
    tables |= {"history": _history, "lag": _lag, "search": _search, "gpu": _gpu}
    for name, table in tables.items():
        if results.get(name):
            parts.append(table(results[name]))
            if machines.get(name, results["machine"]) != results["machine"]:
                parts.append(f"Measured on: {machines[name]}.\n")
    page.write_text(head + "\n".join(parts))


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown under its title."""
    lines = [_cells(heads), "|" + "---|" * len(heads), *map(_cells, rows)]
    return f"### {title}\n\n" + "\n".join(lines)


def _cells(words: Sequence[str]) -> str:
    return f"| {' | '.join(words)} |"


def _stock(cell: str, people: dict[str, dict[str, float]]) -> str:
    base = people["notebook loop"]
    heads = ("who", "wall s", "processor s", "times faster than the notebook (processor)")
    rows = [
        (
            _NAMES.get(who, who),
            f"{row['seconds']:.3f}",
            f"{row['cpu']:.3f}",
            f"{base['cpu'] / row['cpu']:.1f}",
            f"{row['steps']:.0f}",
            f"{row['loss']:.5f}",
            f"{row['rmse']:.1f}",
        )
        for who, row in people.items()
    ]
    title = f"{cell.upper()}, one training"
    return _table(title, (*heads, "steps", "loss", "test RMSE, points"), rows)


def _floor(result: dict[str, Any]) -> str:
    rows = [
        (
            row["name"],
            f"{row['seconds'] * 1000:.0f}",
            f"{row['floor'] * 1000:.1f}",
            f"{row['ratio']:.1f}",
        )
        for row in result["rows"]
    ]
    heads = ("setting", "processor ms", "floor ms", "times the floor")
    return _table("A whole training and its floor", heads, rows) + (
        "\n\nThe floor is the training's multiply-adds at the speed of one core's large float32 "
        f"matrix products, {result['speed'] / 1e9:.0f} GFLOP/s, measured in the same run.\n"
    )


def _commands(rows: list[dict[str, Any]]) -> str:
    cells = [(f"`{row['what']}`", f"{row['seconds']:.2f}") for row in rows]
    table = _table("The command line", ("what", "processor s"), cells)
    return f"{table}\n\nAll processes of a command. FILE is `kospi.csv`.\n"


def _gpu(found: dict[str, Any]) -> str:
    heads = ("work", "ours s", "notebook loop s", "times faster")
    cells = []
    for row in found["times"]:
        loop = "–"
        ratio = "–"
        if "loop" in row:
            loop = f"{row['loop']:.2f}"
            ratio = f"{row['loop'] / row['ours']:.1f}"
        cells.append((row["work"], f"{row['ours']:.2f}", loop, ratio))
    largest = max(row["gap"] for row in found["checks"].values())
    table = _table("On a GPU", heads, cells)
    return (
        f"{table}\n\n{found['machine']}. In the same run the losses of {len(found['checks'])} "
        f"kinds of training were compared with the CPU's: at most {largest:.0e} of the first loss "
        "apart.\n"
    )


def _drag(rows: list[dict[str, Any]]) -> str:
    cells = [
        (
            row["what"],
            row["by"],
            f"{row['curves a second']:.1f}",
            f"{row['delay, ms']:.0f}",
            f"{row['server grew, MiB']:.0f}",
        )
        for row in rows
    ]
    heads = ("page", "by", "curves a second", "median ms from thumb to curve", "server grew, MiB")
    table = _table("A drag of five seconds over the window length", heads, cells)
    return f"{table}\n\nBrowser and server on the same cores, page defaults.\n"


def _start(row: dict[str, float]) -> str:
    pages = {"plain": "a plain page with one plotly chart", "app": "Forecast"}
    cells = [
        (title, f"{row[f'{name}_visible']:.0f}", f"{row[f'{name}_drawn']:.0f}")
        for name, title in pages.items()
    ]
    title = "The first visit to a server that has just begun to answer"
    return _table(title, ("page", "something visible, ms", "chart drawn, ms"), cells) + (
        f"\n\nIn turn; the forecast stands after {row['ratio']:.2f} times the plain page's time.\n"
    )


def _growth(what: str, unit: str, rows: list[dict[str, float]]) -> str:
    cells = [
        (
            f"{row['size']:,}",
            f"{row['compiled']:.4f}",
            f"{row['torch']:.3f}",
            f"{row['torch'] / row['compiled']:.1f}",
        )
        for row in rows
    ]
    title = f"Seconds an epoch as {what} grows (GRU)"
    return _table(title, (unit, "compiled", "torch", "times"), cells) + "\n"


def _ensembles(rows: list[dict[str, float]]) -> str:
    cells = [
        (
            f"{row['runs']:.0f}{' (5 seeds of 3 cells)' if 'cells' in row else ' GRU'}",
            f"{row['seconds']:.3f}",
            f"{row['cpu']:.3f}",
        )
        for row in rows
    ]
    title = "Many runs at once (301 epochs each)"
    return _table(title, ("runs", "wall s", "processor s"), cells) + "\n"


def _million(row: dict[str, float]) -> str:
    return (
        f"### A million rows\n\n{row['windows']:,.0f} windows of 60 rows: "
        f"{row['cpu']:.2f} s of processor time, "
        f"{row['megabytes']:.0f} MB at the peak beyond the table "
        f"(a copy of the windows would be {row['copied']:.0f} MB).\n"
    )


def _mnist(people: dict[str, dict[str, float]]) -> str:
    base = people["notebook loop"]["cpu"]
    cells = [
        (
            who,
            f"{row['seconds']:.2f}",
            f"{row['cpu']:.2f}",
            f"{row['cpu'] / base:.2f}",
            f"{row['loss']:.3f}",
        )
        for who, row in people.items()
    ]
    heads = ("who", "wall s", "processor s", "of the loop's time", "loss")
    return _table("One epoch of MNIST, BiLSTM 12 x 2, batch 128", heads, cells) + "\n"


def _page(rows: list[dict[str, float]]) -> str:
    cells = [(str(row["what"]), f"{row['milliseconds']:.0f}") for row in rows]
    title = "Slider to redrawn curve in the browser"
    return _table(title, ("what", "median ms"), cells) + "\n"


def _strokes(row: dict[str, Any]) -> str:
    return (
        "### From a stroke's end to the answer on screen\n\n"
        f"{row['drawn']} digits drawn by real hands, replayed with the mouse: "
        f"median {row['median']:.0f} ms, worst {row['worst']:.0f} ms; {row['right']} read right. "
        "The canvas itself waits 200 ms after a stroke before it tells of it.\n"
    )


def _anatomy(rows: list[dict[str, Any]]) -> str:
    cells = [
        (row["what"], str(row["moves"]), f"{row['median']:.0f}", f"{row['worst']:.0f}")
        for row in rows
    ]
    heads = ("the net reads", "moves", "median ms", "worst ms")
    title = "Anatomy: from a slider's move to its last change on the page"
    return _table(title, heads, cells) + "\n\nEvery slider in every tab.\n"


def _load(result: dict[str, Any]) -> str:
    alone = {row["way"]: row["p50"] for row in result["rows"] if row["people"] == 1}
    cells = [
        (
            f"{row['people']}",
            row["way"],
            f"{row['p50']:.2f}",
            f"{row['p95']:.2f}",
            f"{row['p95'] / alone[row['way']]:.1f}",
            f"{row['errors']}",
            f"{row['memory']:.1f}",
            f"{row['load']:.1f}",
        )
        for row in result["rows"]
    ]
    heads = ("people", "moves", "p50 s", "p95 s", "p95 / p50 of one", "errors")
    more = ("memory grew a session, MB", "load average")
    table = _table("Sessions over the websocket", (*heads, *more), cells)
    return (
        f"{table}\n\nSeconds from a move of the window slider to the end of the page's run; "
        "clients and server on the same cores, beside whatever else the load average names. The "
        f"server took {result['empty']:.0f} MB after one session, {result['full']:.0f} MB once all "
        f"had left, {result['left']:.0f} MB two minutes later.\n"
    )


def _rivals(result: dict[str, list[dict[str, Any]]]) -> str:
    cells = []
    for rivals in (False, True):
        commands = [row["wall"] for row in result["commands"] if row["rivals"] == rivals]
        pages = [row for row in result["pages"] if row["rivals"] == rivals]
        moves = [move for row in pages for move in row["moves"]]
        whole = "-"
        if rivals:
            whole = _middle([row["all"] for row in pages])
        cells.append(
            (
                "on" if rivals else "off",
                _middle(commands),
                _middle([row["nets"] for row in pages]),
                whole,
                _middle(moves),
            )
        )
    heads = ("rivals", "`compare`", "nets on the page", "rivals on the page", "a move of one seed")
    table = _table("Compare with the stronger rivals, seconds (median)", heads, cells)
    return (
        f"{table}\n\nThe bundled S&P 500, three nets, five seeds. A move is followed to its newest "
        "curve, one second after the last.\n"
    )


def _middle(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.1f}"


def _sessions(rows: list[dict[str, Any]]) -> str:
    settings = {"alike": "all at one setting", "apart": "each with a seed of its own"}
    cells = [
        (
            settings[row["seeds"]],
            f"{row['median'] / 1000:.1f}",
            f"{row['worst'] / 1000:.1f}",
            f"{row['first'] / 1000:.1f}",
            f"{row['errors']:.0f}",
            f"{row['server_seconds']:.1f}",
            f"{row['memory_before']:.0f} to {row['memory_after']:.0f}",
        )
        for row in rows
    ]
    heads = ("settings", "median s", "worst s", "worst of the first drag s", "errors")
    more = ("server's processor s a drag", "memory MB")
    title = f"{rows[0]['sessions']:.0f} browser sessions drag the window slider at once"
    return _table(title, (*heads, *more), cells) + (
        "\n\nFrom the last move to the new curve. "
        "All browsers drew on the server's own two cores.\n"
    )


def _history(row: dict[str, float]) -> str:
    cells = [(how, f"{row[key]:.2f}", f"{row[key + '_table']:.2f}") for how, key in _OPENED.items()]
    heads = ("opened", "until its headline, s", "until its table, s")
    return _table("The Runs page with 1,000 runs", heads, cells) + (
        "\n\nMedians. Streamlit itself, asked for any page in a new browser, "
        f"shows its empty frame after {row['frame']:.2f} s here.\n"
    )


_OPENED = {
    "by a click in the app": "click",
    "in a new tab of a browser that has the app's files": "tab",
    "in a browser that never saw the app": "fresh",
}


def _lag(row: dict[str, float]) -> str:
    return (
        "### From a worker to the screen\n\n"
        f"{row['epochs']:.0f} epochs of a long run, from the end of each to the first frame that "
        f"shows it: median {row['median']:.2f} s, worst {row['worst']:.2f} s.\n"
    )


def _search(row: dict[str, Any]) -> str:
    pairs = "; ".join(f"{one:.1f} s and {two:.1f} s" for one, two in row["rows"])
    return (
        f"### A search of {row['trials']} trials on one worker and on two\n\n"
        f"{pairs} (a pair a seed, pruning and all): two workers take {row['share']:.2f} "
        f"of one's time in the median, {row['worst']:.2f} at worst.\n"
    )


def _plot(results: dict[str, Any]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    people = results["side_by_side"]
    names = list(people[CELLS[0]])
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), sharex=True, layout="constrained")
    for axis, cell in zip(axes, CELLS, strict=True):
        seconds = [people[cell][name]["cpu"] for name in names]
        axis.barh(
            [_NAMES.get(name, name) for name in names],
            seconds,
            color=["#c44e52" if n == "ours, compiled" else "#8c9bab" for n in names],
        )
        axis.set(xscale="log", title=cell.upper(), xlabel="processor seconds, 3,010 steps")
        axis.invert_yaxis()
        axis.label_outer()
        for place, value in enumerate(seconds):
            axis.text(value, place, f" {value:.3g}", va="center", fontsize=8)
    axes[0].set_xlim(0.005, 60)
    figure.savefig(_HERE / "plot.png", dpi=90)
