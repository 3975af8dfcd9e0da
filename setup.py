"""A wheel has pages, app and theme within the package; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
SERVED = ("app.py", ".streamlit/config.toml", *(f"pages/{p.name}" for p in ROOT.glob("pages/*.py")))


class BuildWithPages(build_py):
    """Copies what Streamlit serves, from beside the package into it."""

    def run(self) -> None:
        """Build the package, then copy."""
        super().run()
        if self.editable_mode:
            return  # the checkout has them where they are
        for name in SERVED:
            place = Path(self.build_lib, "rnnapp", "served", name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place)


setup(cmdclass={"build_py": BuildWithPages})
