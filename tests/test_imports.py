"""Imports go one way: engine <- training <- studio."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {"engine": {"training", "studio"}, "training": {"studio"}}


def imported_packages(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_no_file_imports_a_package_above_its_own(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    against = {str(file.relative_to(ROOT)): imported_packages(file) & FORBIDDEN[package] for file in files}
    assert {file: names for file, names in against.items() if names} == {}


def test_the_server_does_not_wait_for_what_only_nets_need() -> None:
    loaded = "import studio.app, sys; print(*{name.split('.')[0] for name in sys.modules})"
    found = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "torch" in found.stdout.split(), "the list is of what was loaded"
    assert {"timm", "torchvision", "matplotlib", "trackeval"}.isdisjoint(found.stdout.split())
