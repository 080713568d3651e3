"""nvcc accepts the CUDA kernels for every GPU they are meant for, and keeps them in registers.

The command is the one that setup.py builds with. Skips where no CUDA toolkit is found (CUDA_HOME, or nvcc on PATH).
"""

import re
import subprocess

import pytest

from tests.engine.setup_script import ROOT, setup_script

script = setup_script()
toolkit = script.find_toolkit()
needs_toolkit = pytest.mark.skipif(
    toolkit is None, reason="no CUDA toolkit here: CUDA_HOME is not set to one and there is no nvcc on PATH"
)


@needs_toolkit
@pytest.mark.parametrize("gpu", script.GPUS)
def test_kernels_compile_without_register_spills(gpu, tmp_path):
    command = script.nvcc_command(toolkit, tmp_path / "kernels.o", [gpu])
    command += ["-Xptxas", "-v", "-Werror", "all-warnings", "--keep", "--keep-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    report = built.stdout + built.stderr
    assert built.returncode == 0, report
    kernels = re.findall(r"Compiling entry function '(\w+)' for 'sm_(\d+)'", report)
    assert {compiled_for for _, compiled_for in kernels} == {gpu}
    # forward and backward, four types, with vectors and without
    assert len({name for name, _ in kernels}) == 16
    memory = re.findall(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", report)
    assert len(memory) >= 16 and set(memory) == {("0", "0", "0")}, report

    (assembly,) = (path.read_text() for path in tmp_path.glob("*.ptx"))
    assert f".target sm_{gpu}" in assembly
    wide = r"\.global\.(?:\w+\.)?(?:v4\.\w32|v2\.\w64)"  # 16 bytes
    # of four types: four corners forward, four corners and the gradient backward; the output
    assert len(re.findall("ld" + wide, assembly)) >= 4 * (4 + 4 + 1)
    assert len(re.findall("st" + wide, assembly)) >= 4
    # float32 sums of four channels at once, where the GPU can
    assert bool(re.search(r"(atom|red)\.global\.add\.v4\.f32", assembly)) == (int(gpu) >= 90)
