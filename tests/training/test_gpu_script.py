"""The GPU check runs with nothing but torch, numpy, pandas, scikit-learn and numba."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ABSENT = [
    "streamlit",
    "mlflow",
    "optuna",
    "dask",
    "distributed",
    "plotly",
    "arch",
    "statsmodels",
    "yfinance",
]


def test_reduced_run_on_the_cpu_needs_no_other_package(tmp_path: Path) -> None:
    """Where a GPU can be had, little else is installed; the same code must be known to run."""
    program = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({ABSENT!r}))\n"
        "import rnnapp.data.digits\n"
        "rnnapp.data.digits.find_mnist = lambda: None\n"  # nor is it there
        f"sys.argv = ['gpu.py', '--device', 'cpu', '--out', {str(tmp_path / 'found.json')!r}]\n"
        f"runpy.run_path({str(ROOT / 'benchmarks' / 'gpu.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "DIFFERENT" not in done.stdout
    assert "seeds at once" in done.stdout
    assert (tmp_path / "found.json").exists()
