"""Build the optional compiled kernels of engine/ops.py; everything else about the package stands in pyproject.toml.

`CTVIS_OP` says which: `cpu` the CPU kernel (`engine._C`), `cuda` that and the CUDA kernel (`engine._C_cuda`), `off` none,
since the op has a body in plain torch; each of these is done or is an error. `auto` (default) builds what this machine
can, and goes on without the rest. They are two binaries so that trouble with CUDA never costs the CPU kernel. Torch is
seen only by `pip install --no-build-isolation`; an isolated build would download a torch of its own, so it builds
nothing. docs/op.md has more.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from setuptools import Extension, setup
from setuptools.errors import CompileError

try:
    import torch
    from torch.utils import cpp_extension
except ImportError:
    torch = cpp_extension = None  # type: ignore[assignment]

CHOICES = ("auto", "cpu", "cuda", "off")
OLDEST_TORCH = "0x020e000000000000"  # 2.14: what the ABI-stable API may use
CPU_SOURCES = [f"engine/csrc/{name}.cpp" for name in ("ms_deform_attn", "shared_cells", "winograd")]
CUDA_SOURCE = "engine/csrc/cuda/op.cpp"
DEVICE_SOURCE = "engine/csrc/cuda/ms_deform_attn.cu"
HEADERS = [str(path) for path in sorted(Path("engine/csrc").rglob("*.h"))]
# Nobody looks at floating-point traps or errno here; saying so lets loops be vectorised and changes no result.
COMPILER_FLAGS = ["-O3", "-fno-trapping-math", "-fno-math-errno", "-fvisibility=hidden", "-g0", "-Wno-psabi"]
NVCC_FLAGS = ["-std=c++20", "-O3", "-Xcompiler", "-fPIC,-fvisibility=hidden"]
GPUS = ("80", "90", "100")  # Ampere with Ada, Hopper, Blackwell


def build_arguments(choice: str) -> dict:
    """What setup() needs to build the kernels; empty to build none."""
    if choice not in CHOICES:
        raise SystemExit(f"CTVIS_OP={choice} is unknown; choose one of {', '.join(CHOICES)}.")
    if choice == "off" or (choice == "auto" and cpp_extension is None):
        return {}
    if cpp_extension is None:
        raise SystemExit(
            f"CTVIS_OP={choice} needs torch to build with: install torch, then use pip install --no-build-isolation."
        )
    optional = choice == "auto"
    extensions = [_extension("engine._C", CPU_SOURCES, optional=optional)]
    toolkit = None if choice == "cpu" else find_toolkit()
    obstacle = cuda_obstacle(toolkit)
    if choice == "cuda" and obstacle:
        raise SystemExit(f"CTVIS_OP=cuda cannot be had: {obstacle}.")
    if choice != "cpu" and toolkit and not obstacle:
        library = str(_cuda_library(toolkit))
        extensions.append(
            _extension("engine._C_cuda", [CUDA_SOURCE], optional=optional, libraries=["cudart"], library_dirs=[library])
        )
    return {
        "ext_modules": extensions,
        # Ninja would turn the failure of an optional extension into an error.
        "cmdclass": {"build_ext": _builder(toolkit).with_options(use_ninja=False)},
        "options": {"bdist_wheel": {"py_limited_api": "cp311"}},
    }


def find_toolkit() -> Path | None:
    """The folder of the CUDA toolkit: what CUDA_HOME names, else the one that the nvcc on PATH belongs to."""
    named = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH")
    nvcc = shutil.which("nvcc")
    if named:
        folders = [named]
    elif nvcc:
        # That nvcc may be a wrapper outside of any toolkit, so it is asked where the real one stands.
        plan = subprocess.run([nvcc, "--dryrun", "-E", "-x", "cu", os.devnull], capture_output=True, text=True).stderr
        folders = re.findall(r"^#\$ TOP=(.+)$", plan, re.MULTILINE)
    else:
        folders = []
    for folder in folders:
        toolkit = Path(folder).resolve()
        if (toolkit / "bin" / "nvcc").exists() and (toolkit / "include" / "cuda_runtime.h").exists():
            return toolkit
    return None


def cuda_obstacle(toolkit: Path | None) -> str | None:
    """Why the CUDA kernel cannot be built, or None."""
    if not sys.platform.startswith("linux"):
        return "the CUDA kernel is built on Linux only"
    if torch.version.cuda is None:
        return "the PyTorch installed here was built without CUDA"
    if toolkit is None:
        return "no CUDA toolkit found; set CUDA_HOME to the folder that holds bin/nvcc and include/cuda_runtime.h"
    if _cuda_library(toolkit) is None:
        return f"the CUDA toolkit in {toolkit} has no libcudart.so"
    told = re.search(r"release ([\d.]+)", _ask_nvcc(toolkit, "--version"))
    release = told.group(1) if told else "unknown"
    if release.split(".")[0] != torch.version.cuda.split(".")[0]:
        return (
            f"the CUDA toolkit in {toolkit} is version {release} and PyTorch was built for CUDA {torch.version.cuda}; "
            "they must agree up to the first point"
        )
    return None


def nvcc_command(toolkit: Path, target: Path, gpus: Sequence[str]) -> list[str]:
    """Compiles the kernels for these GPUs, each as two or three digits ("90"), and as PTX for those after the last."""
    codes = [f"-gencode=arch=compute_{gpu},code=sm_{gpu}" for gpu in gpus]
    codes.append(f"-gencode=arch=compute_{gpus[-1]},code=compute_{gpus[-1]}")
    return [str(toolkit / "bin" / "nvcc"), *NVCC_FLAGS, *codes, "-c", DEVICE_SOURCE, "-o", str(target)]


def gpus_to_build_for(toolkit: Path) -> list[str]:
    """TORCH_CUDA_ARCH_LIST ("8.6;9.0") if it is set, else the GPUs in this machine, else all usual ones."""
    listed = os.environ.get("TORCH_CUDA_ARCH_LIST", "").replace(" ", ";")
    if listed and listed != "native":
        return [gpu.removesuffix("+PTX").replace(".", "") for gpu in listed.split(";") if gpu]
    present = {torch.cuda.get_device_capability(number) for number in range(torch.cuda.device_count())}
    if present:
        return [f"{major}{minor}" for major, minor in sorted(present)]
    known = _ask_nvcc(toolkit, "--list-gpu-arch").split()
    return [gpu for gpu in GPUS if f"compute_{gpu}" in known]


def _ask_nvcc(toolkit: Path, question: str) -> str:
    return subprocess.run([str(toolkit / "bin" / "nvcc"), question], capture_output=True, text=True).stdout


def _cuda_library(toolkit: Path) -> Path | None:
    found = [
        library for place in ("lib64", "lib", "targets/*/lib") for library in toolkit.glob(f"{place}/libcudart.so")
    ]
    return found[0].parent if found else None


def _extension(name: str, sources: list[str], **options: object) -> Extension:
    return cpp_extension.CppExtension(
        name,
        sources=sources,
        depends=[*HEADERS, DEVICE_SOURCE],
        define_macros=[("TORCH_TARGET_VERSION", OLDEST_TORCH)],
        extra_compile_args=COMPILER_FLAGS,
        py_limited_api=True,
        **options,
    )


def _builder(toolkit: Path | None) -> type:
    """torch's builder, which leaves nvcc to us: its own refuses the whole build where it dislikes the toolkit."""

    class Builder(cpp_extension.BuildExtension):
        def build_extension(self, extension: Extension) -> None:
            if extension.name == "engine._C_cuda":
                assert toolkit is not None
                kernels = Path(self.build_temp).resolve() / "ms_deform_attn_cuda.o"
                kernels.parent.mkdir(parents=True, exist_ok=True)
                command = nvcc_command(toolkit, kernels, gpus_to_build_for(toolkit))
                print(" ".join(command))
                if subprocess.run(command).returncode != 0:
                    raise CompileError("nvcc could not compile the CUDA kernels; its own words stand above")
                extension.extra_objects.append(str(kernels))
            super().build_extension(extension)

    return Builder


if __name__ == "__main__":
    setup(**build_arguments(os.environ.get("CTVIS_OP", "auto")))
