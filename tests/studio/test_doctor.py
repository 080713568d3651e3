"""`ctvis-studio doctor` finds what is broken, and only that."""

import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from engine.ops import active_kernel
from studio.cli import main
from studio.commands import doctor
from studio.settings import Home
from studio.store import Store
from tests.studio.processes import ENVIRONMENT, ROOT


@pytest.fixture
def home(tmp_path):
    """A studio's home with its database."""
    made = Home(tmp_path / "home").create()
    Store(made.database).close()
    return made


def faults(home):
    return {
        finding.part: finding.fault
        for finding in doctor.examine(home)
        if finding.fault and finding.part != "demo model"
    }


def test_a_healthy_installation_has_no_faults(home):
    findings = {finding.part: finding.state for finding in doctor.examine(home)}
    assert faults(home) == {}
    assert (
        "torch" in findings["packages"] and "kernel" in findings["attention op on cpu"] and "cpu" in findings["devices"]
    )
    assert "0 videos" in findings["database"]


def test_a_home_that_was_never_used_is_no_fault_and_stays_unmade(tmp_path):
    assert faults(Home(tmp_path / "new")) == {}
    assert not (tmp_path / "new").exists()


def test_a_damaged_database_is_found(home):
    with sqlite3.connect(home.database) as connection:
        connection.execute("pragma journal_mode = delete")
    content = bytearray(home.database.read_bytes())
    content[4096 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4096)
    home.database.write_bytes(content)
    assert list(faults(home)) == ["database"]


@pytest.mark.parametrize("device, binary", [("cpu", "_C.abi3.so"), ("cuda", "_C_cuda.abi3.so")])
def test_a_compiled_kernel_that_cannot_be_loaded_is_found_and_costs_no_other(tmp_path, device, binary):
    shutil.copytree(ROOT / "engine", tmp_path / "engine", ignore=shutil.ignore_patterns(binary, "__pycache__"))
    (tmp_path / "engine" / binary).write_bytes(b"built for something else")
    other = {"cpu": "cuda", "cuda": "cpu"}[device]
    look = (
        "from engine.ops import active_kernel; from studio.commands.doctor import _op, _tried\n"
        f"print(_tried('op', lambda: _op({device!r})).fault, active_kernel({other!r}), sep='\\n')"
    )
    paths = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    found = subprocess.run([sys.executable, "-c", look], cwd=tmp_path, env=paths, capture_output=True, text=True)
    fault, other_kernel = found.stdout.splitlines()
    assert f"{binary} was built but does not fit" in fault and "--no-build-isolation" in fault
    assert other_kernel == active_kernel(other)


def test_the_exit_code_tells(home, monkeypatch, capsys):
    healthy = [doctor.Finding("video", "works")]
    for findings, code in ((healthy, 0), ([*healthy, doctor.Finding("op", "", "wrong numbers")], 1)):
        monkeypatch.setattr(doctor, "examine", lambda _, findings=findings: iter(findings))
        with pytest.raises(SystemExit) as stopped:
            main(["doctor", "--home", str(home.root)])
        assert stopped.value.code == code
    assert "wrong numbers" in capsys.readouterr().out
