"""setup.py as a module, for the tests of how the compiled kernels are built."""

import runpy
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parents[2]


def setup_script() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "setup.py"), run_name="setup_script"))
