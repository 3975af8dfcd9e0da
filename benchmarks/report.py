"""Results as tables in README.md and as a plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from setting import CELLS

__all__ = ["write"]

_HERE = Path(__file__).parent
_FLOPS = {
    "rnn": 0.41e9,
    "lstm": 1.59e9,
    "gru": 1.20e9,
}  # multiply-adds of 3,010 steps, counted twice
_FLOOR = 90e9  # one core's matrix speed, flop/s: 5, 18 and 14 ms
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
    parts = [
        f"{_MARK}\n\nMachine: {results['machine']}. Data: {results['data']}. "
        f"Medians of {results['repeats']}, taken in turn.\n"
    ]
    if "side_by_side" in results:
        parts += [_stock(cell, results["side_by_side"][cell]) for cell in CELLS]
        _plot(results)
    for what, unit in (("rows", "rows"), ("window", "days"), ("hidden", "units")):
        if what in results:
            parts.append(_growth(what, unit, results[what]))
    tables = {"ensembles": _ensembles, "million": _million, "mnist": _mnist, "page": _page}
    tables |= {"strokes": _strokes, "anatomy": _anatomy, "sessions": _sessions}
    tables |= {"history": _history, "lag": _lag, "search": _search}
    for name, table in tables.items():
        if results.get(name):
            parts.append(table(results[name]))
    page.write_text(head + "\n".join(parts))


def _stock(cell: str, people: dict[str, dict[str, float]]) -> str:
    base = people["notebook loop"]
    lines = [
        f"### {cell.upper()}, one training\n",
        "| who | wall s | processor s | times faster than the notebook (processor) "
        "| steps | loss | test RMSE, points |",
        "|---|---|---|---|---|---|---|",
    ]
    for who, row in people.items():
        lines.append(
            f"| {_NAMES.get(who, who)} | {row['seconds']:.3f} | {row['cpu']:.3f} "
            f"| {base['cpu'] / row['cpu']:.1f} | {row['steps']:.0f} | {row['loss']:.5f} "
            f"| {row['rmse']:.1f} |"
        )
    floor = _FLOPS[cell] / _FLOOR
    times = people["ours, compiled"]["cpu"] / floor
    lines.append(
        f"\nThe floor, {_FLOPS[cell] / 1e9:.2f} GFLOP at {_FLOOR / 1e9:.0f} GFLOP/s, "
        f"is {floor * 1000:.0f} ms; the whole run takes {times:.1f} times that.\n"
    )
    return "\n".join(lines)


def _growth(what: str, unit: str, rows: list[dict[str, float]]) -> str:
    lines = [
        f"### Seconds an epoch as {what} grows (GRU)\n",
        f"| {unit} | compiled | torch | times |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['size']:,} | {row['compiled']:.4f} | {row['torch']:.3f} "
        f"| {row['torch'] / row['compiled']:.1f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _ensembles(rows: list[dict[str, float]]) -> str:
    lines = [
        "### Many runs at once (301 epochs each)\n",
        "| runs | wall s | processor s |",
        "|---|---|---|",
    ]
    lines += [
        f"| {row['runs']:.0f}{' (5 seeds of 3 cells)' if 'cells' in row else ' GRU'} "
        f"| {row['seconds']:.3f} | {row['cpu']:.3f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _million(row: dict[str, float]) -> str:
    return (
        f"### A million rows\n\n{row['windows']:,.0f} windows of 60 rows: "
        f"{row['cpu']:.2f} s of processor time, "
        f"{row['megabytes']:.0f} MB at the peak beyond the table "
        f"(a copy of the windows would be {row['copied']:.0f} MB).\n"
    )


def _mnist(people: dict[str, dict[str, float]]) -> str:
    base = people["notebook loop"]["cpu"]
    lines = [
        "### One epoch of MNIST, BiLSTM 12 x 2, batch 128\n",
        "| who | wall s | processor s | of the loop's time | loss |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {who} | {row['seconds']:.2f} | {row['cpu']:.2f} "
        f"| {row['cpu'] / base:.2f} | {row['loss']:.3f} |"
        for who, row in people.items()
    ]
    return "\n".join(lines) + "\n"


def _page(rows: list[dict[str, float]]) -> str:
    lines = ["### Slider to redrawn curve in the browser\n", "| what | median ms |", "|---|---|"]
    lines += [f"| {row['what']} | {row['milliseconds']:.0f} |" for row in rows]
    return "\n".join(lines) + "\n"


def _strokes(row: dict[str, Any]) -> str:
    return (
        "### From a stroke's end to the answer on screen\n\n"
        f"{row['drawn']} digits drawn by real hands, replayed with the mouse: "
        f"median {row['median']:.0f} ms, worst {row['worst']:.0f} ms; {row['right']} read right. "
        "The canvas itself waits 200 ms after a stroke before it tells of it.\n"
    )


def _anatomy(rows: list[dict[str, Any]]) -> str:
    lines = [
        "### Anatomy: from a slider's move to its last change on the page\n",
        "| the net reads | moves | median ms | worst ms |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['what']} | {row['moves']} | {row['median']:.0f} | {row['worst']:.0f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n\nEvery slider in every tab.\n"


def _sessions(rows: list[dict[str, Any]]) -> str:
    settings = {"alike": "all at one setting", "apart": "each with a seed of its own"}
    lines = [
        f"### {rows[0]['sessions']:.0f} browser sessions drag the window slider at once\n",
        "| settings | median s | worst s | worst of the first drag s | errors "
        "| server's processor s a drag | memory MB |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {settings[row['seeds']]} | {row['median'] / 1000:.1f} | {row['worst'] / 1000:.1f} "
        f"| {row['first'] / 1000:.1f} | {row['errors']:.0f} | {row['server_seconds']:.1f} "
        f"| {row['memory_before']:.0f} to {row['memory_after']:.0f} |"
        for row in rows
    ]
    return (
        "\n".join(lines)
        + "\n\nFrom the last move to the new curve. "
        + "All browsers drew on the server's own two cores.\n"
    )


def _history(row: dict[str, float]) -> str:
    return (
        "### The Runs page with 1,000 runs\n\n"
        "| opened | until its headline, s | until its table, s |\n|---|---|---|\n"
        + "\n".join(
            f"| {how} | {row[key]:.2f} | {row[key + '_table']:.2f} |"
            for how, key in _OPENED.items()
        )
        + "\n\nMedians. Streamlit itself, asked for any page in a new browser, "
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
