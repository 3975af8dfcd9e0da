"""The GPU check runs with nothing but torch, numpy, pandas, scikit-learn, numba and Pillow."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = ["torch", "numpy", "pandas", "scikit-learn", "numba", "pillow"]


def normalise(name: str) -> str:
    """As the package index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def find_absent() -> list[str]:
    """Importable names here that those packages do not bring."""
    brought: set[str] = set()
    waiting = list(NEEDED)
    while waiting:
        name = waiting.pop()
        if name in brought:
            continue
        brought.add(name)
        try:
            needs = requires(name) or []
        except PackageNotFoundError:  # of another platform
            continue
        plain = [need for need in needs if "extra ==" not in need]
        waiting += [normalise(re.split(r"[^A-Za-z0-9._-]", need)[0]) for need in plain]
    return [
        module
        for module, names in packages_distributions().items()
        if module != "rnnapp" and not any(normalise(name) in brought for name in names)
    ]


def test_reduced_run_on_the_cpu_needs_no_other_package(tmp_path: Path) -> None:
    """Where a GPU can be had, little else is installed; the same code must be known to run."""
    absent = find_absent()
    assert {"platformdirs", "streamlit", "plotly", "babel", "safetensors"} <= set(absent)
    program = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({absent!r}))\n"
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
