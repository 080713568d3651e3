"""Where the golden numbers lie.

The reference implementation's numbers lie in `../shared/golden` beside the repository on the machines that build it,
and as copies in `tests/data/golden` for everyone else. Tests ask here and do not care which of the two they get.
"""

import importlib.util
from pathlib import Path
from types import ModuleType

_ROOT = Path(__file__).resolve().parent.parent
_FOLDERS = (_ROOT.parent / "shared" / "golden", _ROOT / "tests" / "data" / "golden")


def golden_path(name: str) -> Path:
    """The file `name` ("tracker.npz"); FileNotFoundError says where it was looked for."""
    for folder in _FOLDERS:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"golden file {name} is in none of {', '.join(map(str, _FOLDERS))}")


def load_synth() -> ModuleType:
    """The module `synth.py`: `synth_state_dict(shapes, seed)` and `synth_video(frames, height, width, seed)`."""
    spec = importlib.util.spec_from_file_location("golden_synth", golden_path("synth.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
