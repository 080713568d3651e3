"""`ctvis-studio doctor` finds what is broken, and only that."""

import sqlite3

import pytest

from studio.cli import main
from studio.commands import doctor
from studio.settings import Home
from studio.store import Store


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


def test_the_exit_code_tells(home, monkeypatch, capsys):
    healthy = [doctor.Finding("video", "works")]
    for findings, code in ((healthy, 0), ([*healthy, doctor.Finding("op", "", "wrong numbers")], 1)):
        monkeypatch.setattr(doctor, "examine", lambda _, findings=findings: iter(findings))
        with pytest.raises(SystemExit) as stopped:
            main(["doctor", "--home", str(home.root)])
        assert stopped.value.code == code
    assert "wrong numbers" in capsys.readouterr().out
