"""Imports go one way: engine <- training <- studio."""

import ast
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
