"""The ledger's growth as a figure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rnnapp.figures.ledger import running_figure


def test_the_running_share_stands_within_its_interval_beside_the_promise() -> None:
    running = pd.DataFrame(
        {"coverage": [0.5, 0.7], "coverage_low": [0.1, 0.4], "coverage_high": [0.9, 0.85]},
        index=pd.to_datetime(["2020-01-02", "2020-01-03"]),
    )
    figure = running_figure(running, "coverage", target=0.8, y="days inside, %")
    named = {trace.name: trace for trace in figure.data if trace.name}
    np.testing.assert_allclose(named["so far"].y, [50, 70])
    np.testing.assert_allclose(named["95% interval"].y, [10, 40])
    assert figure.layout.shapes[0].y0 == 80
    assert figure.layout.yaxis.title.text == "days inside, %"
