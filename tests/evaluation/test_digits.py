"""Scores of a net that reads digits, against counts by hand."""

from __future__ import annotations

import json

import numpy as np

from rnnapp.evaluation.digits import score_digits


def scores(answers: list[int], sure: float = 5.0) -> np.ndarray:
    return (np.eye(10, dtype=np.float32) * sure)[answers]


def test_counts_by_hand() -> None:
    judged = score_digits(scores([1, 1, 2, 3]), np.array([1, 2, 2, 3]))
    assert judged.accuracy == 0.75
    assert judged.per_class[[1, 2, 3]].tolist() == [1.0, 0.5, 1.0]
    assert np.isnan(judged.per_class[0])
    assert judged.confusion[2].tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert judged.mistakes().tolist() == [1]


def test_the_surest_mistake_comes_first() -> None:
    answers = np.concatenate(
        [scores([1], 2.0), scores([1], 9.0), scores([1], 5.0), scores([0], 5.0)]
    )
    assert score_digits(answers, np.zeros(4, int)).mistakes().tolist() == [1, 2, 0]
    assert score_digits(answers, np.zeros(4, int)).mistakes(2).tolist() == [1, 2]


def test_a_refused_drawing_is_a_mistake_in_no_column() -> None:
    judged = score_digits(scores([1, 1]), np.array([1, 1]), np.array([False, True]))
    assert judged.accuracy == 0.5
    assert judged.confusion.sum() == 1
    assert judged.to_report()["refused"] == 1


def test_the_report_is_json_even_where_a_class_is_absent() -> None:
    report = json.loads(
        json.dumps(score_digits(scores([1]), np.array([1])).to_report(), allow_nan=False)
    )
    assert report["per_class"]["0"] is None
