"""The sheet says what a reader needs to judge a result, from what was really run."""

from __future__ import annotations

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import make_split
from rnnapp.evaluation.compare import compare_nets, make_candidates
from rnnapp.evaluation.judge import judge_results
from rnnapp.evaluation.sheet import comparison_sheet, run_sheet
from rnnapp.training.loop import train
from tests.support import random_walk

TRAIN = TrainConfig(epochs=1, device="cpu", backend="torch")
ITEMS = (
    "Aim",
    "Data",
    "Fingerprint",
    "Missing and repaired",
    "Split",
    "Inputs and target",
    "Scaler rows",
    "Baselines",
    "What was tried",
    "Seeds",
    "Uncertainty",
    "Computed with",
    "Limits",
)


def test_a_run_names_its_rows_dates_and_leak() -> None:
    clean = make_split(random_walk(200), WindowConfig(window=6, valid=0.2))
    items = {item.name: item.text for item in run_sheet(train(clean, ModelConfig(), TRAIN), clean)}
    assert set(ITEMS) < set(items)
    assert f"first {clean.train_rows:,} rows" in items["Scaler rows"]
    assert str(clean.test.dates[-1, -1])[:10] in items["Split"]
    assert "not recorded" in items["What was tried"]
    leaky = make_split(random_walk(200), WindowConfig(window=6, scaling="all"))
    items = {item.name: item.text for item in run_sheet(train(leaky, ModelConfig(), TRAIN), leaky)}
    assert "leaks" in items["Scaler rows"]


def test_a_comparison_names_each_net_its_seeds_and_the_looks() -> None:
    window = WindowConfig(window=6)
    split = make_split(random_walk(200), window)
    models = [ModelConfig(cell="rnn"), ModelConfig(cell="lstm", hidden=3)]
    results = tuple(compare_nets(split, make_candidates(models, window, TRAIN), seeds=2))
    sheet = comparison_sheet(judge_results(split, results), split, results, looks="Seen twice.")
    items = {item.name: item.text for item in sheet}
    assert "RNN: cell rnn" in items["Nets"]
    assert "hidden 3" in items["Nets"]
    assert items["Seeds"].startswith("2 for each net")
    assert items["What was tried"] == "2 nets in this table. Seen twice."
    assert "cpu by torch" in items["Computed with"]
