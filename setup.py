"""Build the optional compiled kernels of engine/ops.py; everything else about the package stands in pyproject.toml.

`CTVIS_OP` says what to build: `auto` (default) the CPU kernel if that works out here, else nothing, since the op has a
body in plain torch; `cpu` the CPU kernel or an error; `off` nothing. Torch is seen only by
`pip install --no-build-isolation`; an isolated build would download a torch of its own, so it builds nothing.
"""

import os

from setuptools import setup

try:
    from torch.utils import cpp_extension
except ImportError:
    cpp_extension = None  # type: ignore[assignment]

OLDEST_TORCH = "0x020e000000000000"  # 2.14: what the ABI-stable API may use
# Nobody looks at floating-point traps or errno here; saying so lets loops be vectorised and changes no result.
COMPILER_FLAGS = ["-O3", "-fno-trapping-math", "-fno-math-errno", "-fvisibility=hidden", "-g0", "-Wno-psabi"]
CHOICES = ("auto", "cpu", "off")


def build_arguments(choice: str) -> dict:
    """What setup() needs to build the kernels; empty to build none."""
    if choice not in CHOICES:
        raise SystemExit(f"CTVIS_OP={choice} is unknown; choose one of {', '.join(CHOICES)}.")
    if choice == "off" or (choice == "auto" and cpp_extension is None):
        return {}
    if cpp_extension is None:
        raise SystemExit(
            "CTVIS_OP=cpu needs torch to build with: install torch, then use pip install --no-build-isolation."
        )
    extension = cpp_extension.CppExtension(
        "engine._C",
        sources=["engine/csrc/ms_deform_attn.cpp"],
        depends=[f"engine/csrc/{name}.h" for name in ("ms_deform_attn", "channel_block", "samples")],
        define_macros=[("TORCH_TARGET_VERSION", OLDEST_TORCH)],
        extra_compile_args=COMPILER_FLAGS,
        py_limited_api=True,
        optional=choice == "auto",
    )
    return {
        "ext_modules": [extension],
        # Ninja would turn the failure of an optional extension into an error.
        "cmdclass": {"build_ext": cpp_extension.BuildExtension.with_options(use_ninja=False)},
        "options": {"bdist_wheel": {"py_limited_api": "cp311"}},
    }


setup(**build_arguments(os.environ.get("CTVIS_OP", "auto")))
