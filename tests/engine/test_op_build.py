"""What setup.py builds in each mode of CTVIS_OP, on machines with and without a CUDA toolkit (stand-ins in a folder)."""

import sys
from pathlib import Path

import pytest
import torch
from setuptools import Distribution
from setuptools.errors import CompileError

from tests.engine.setup_script import setup_script

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the CUDA kernel is built on Linux only")


def make_toolkit(folder: Path, release: str) -> Path:
    """A folder like a CUDA toolkit; its nvcc knows its version, its home and its GPUs."""
    for name in ("bin", "include", "lib64"):
        (folder / name).mkdir(parents=True)
    (folder / "include" / "cuda_runtime.h").touch()
    (folder / "lib64" / "libcudart.so").touch()
    nvcc = folder / "bin" / "nvcc"
    nvcc.write_text(
        "#!/bin/sh\n"
        f'case "$1" in --version) echo "Cuda compilation tools, release {release}, V{release}.1";;\n'
        "--list-gpu-arch) printf 'compute_75\\ncompute_80\\ncompute_90\\n';;\n"
        f'--dryrun) echo "#\\$ TOP={folder}/bin/.." >&2;; *) exit 1;; esac\n'
    )
    nvcc.chmod(0o755)
    return folder


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without nvcc, with a PyTorch that was built for CUDA 13.0."""
    for name in ("CUDA_HOME", "CUDA_PATH", "TORCH_CUDA_ARCH_LIST"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    return tmp_path


@pytest.fixture
def with_toolkit(bare, monkeypatch):
    toolkit = make_toolkit(bare / "toolkit", "13.2")
    monkeypatch.setenv("PATH", f"{bare / 'path'}:/usr/bin:/bin")  # its nvcc is a shell script
    monkeypatch.setenv("CUDA_HOME", str(toolkit))
    return toolkit


def built(choice):
    """name -> whether the install goes on if it cannot be built"""
    arguments = setup_script().build_arguments(choice)
    return {extension.name: extension.optional for extension in arguments.get("ext_modules", [])}


def test_off_builds_nothing(with_toolkit):
    assert built("off") == {}


def test_cpu_builds_one_kernel_and_means_it(with_toolkit):
    assert built("cpu") == {"engine._C": False}


def test_cuda_builds_both_and_means_it(with_toolkit):
    assert built("cuda") == {"engine._C": False, "engine._C_cuda": False}


def test_auto_tries_both_where_there_is_a_toolkit(with_toolkit):
    assert built("auto") == {"engine._C": True, "engine._C_cuda": True}


def test_auto_leaves_cuda_out_where_there_is_no_toolkit(bare):
    assert built("auto") == {"engine._C": True}


@pytest.mark.parametrize("version", [None, "12.9"])
def test_auto_leaves_cuda_out_where_pytorch_does_not_fit(with_toolkit, monkeypatch, version):
    monkeypatch.setattr(torch.version, "cuda", version)
    assert built("auto") == {"engine._C": True}


def complaint(choice):
    with pytest.raises(SystemExit) as stopped:
        built(choice)
    return str(stopped.value)


def test_cuda_without_a_toolkit_says_where_it_looks(bare):
    assert "set CUDA_HOME to the folder that holds bin/nvcc and include/cuda_runtime.h" in complaint("cuda")


def test_cuda_with_a_wrong_cuda_home_is_refused(bare, monkeypatch):
    monkeypatch.setenv("CUDA_HOME", str(bare))
    assert "no CUDA toolkit found" in complaint("cuda")


def test_cuda_with_a_pytorch_that_has_none_is_refused(with_toolkit, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "built without CUDA" in complaint("cuda")


def test_cuda_of_another_major_version_is_refused(with_toolkit, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "12.9")
    assert "is version 13.2 and PyTorch was built for CUDA 12.9" in complaint("cuda")


def test_a_mode_that_does_not_exist_is_named(bare):
    assert "CTVIS_OP=gpu is unknown; choose one of auto, cpu, cuda, off." in complaint("gpu")


def test_a_wrapper_on_the_path_leads_to_the_toolkit(with_toolkit, bare, monkeypatch):
    monkeypatch.delenv("CUDA_HOME")
    wrapper = bare / "path" / "nvcc"
    wrapper.write_text(f'#!/bin/sh\nexec {with_toolkit}/bin/nvcc "$@"\n')
    wrapper.chmod(0o755)
    assert setup_script().find_toolkit() == with_toolkit.resolve()


def test_gpus_are_those_that_are_asked_for_else_those_here_else_all_that_nvcc_knows(with_toolkit, monkeypatch):
    gpus = setup_script().gpus_to_build_for
    assert gpus(with_toolkit) == ["80", "90"]  # this nvcc knows no Blackwell
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: [(9, 0), (8, 6), (9, 0)][number])
    assert gpus(with_toolkit) == ["86", "90"]
    monkeypatch.setenv("TORCH_CUDA_ARCH_LIST", "7.5 8.9;12.0+PTX")
    assert gpus(with_toolkit) == ["75", "89", "120"]


def test_a_failing_nvcc_stops_only_who_asked_for_it(with_toolkit, tmp_path, caplog):
    """The stand-in compiles nothing: `auto` warns and goes on, `cuda` fails."""
    for choice, fails in (("auto", False), ("cuda", True)):
        arguments = setup_script().build_arguments(choice)
        arguments["ext_modules"] = [e for e in arguments["ext_modules"] if e.name == "engine._C_cuda"]
        command = arguments["cmdclass"]["build_ext"](Distribution(arguments))
        command.build_temp, command.build_lib = str(tmp_path / "temp"), str(tmp_path / "lib")
        command.ensure_finalized()
        if fails:
            with pytest.raises(CompileError, match="nvcc could not compile"):
                command.run()
        else:
            command.run()
            assert 'building extension "engine._C_cuda" failed: nvcc could not compile' in caplog.text
    assert not list((tmp_path / "lib").rglob("*.so"))
