"""The CUDA kernels' own source, run on the host thread by thread (cuda_emulation.cpp), against the torch body.

This covers all that the kernels decide: who computes what, index arithmetic, exchanges between threads, the choice of
vector loads, rounding to the half types. It covers neither the GPU's compiler nor data races; test_ops_cuda.py needs a
GPU for that. Skips where no g++ is found.
"""

import ctypes
import mmap
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from engine import ops
from tests.engine.attention import CASES, gradients, inputs, output_gradient

SOURCE = Path(__file__).with_name("cuda_emulation.cpp")
TYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]  # in the order of cuda_emulation.cpp
# Inputs are rounded to the type before the reference sees them, so what is left is the rounding of sums and results.
TOLERANCES = {torch.float64: 1e-12, torch.float32: 2e-5, torch.float16: 1e-3, torch.bfloat16: 8e-3}
GUARD = 64  # numbers before and after each tensor that nobody may read or write
ALL_BLOCKS = (0, 2**31 - 1, 2**31 - 1)


class Level(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int32) for name in ("height", "width", "start")]


class Shape(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("batch", "positions", "queries")),
        *((name, ctypes.c_int32) for name in ("heads", "channels", "points", "level_count")),
        ("levels", Level * 16),
    ]


def shape_of(value, flat_shapes, weights):
    levels, start = [], 0
    for height, width in ops._pairs(flat_shapes):
        levels.append(Level(height, width, start))
        start += height * width
    batch, positions, heads, channels = value.shape
    table = (Level * 16)(*levels)
    return Shape(batch, positions, weights.shape[1], heads, channels, weights.shape[-1], len(levels), table)


class Emulator:
    """forward and backward like ops._torch_forward and ops._torch_backward; `vectors` tells whether the last call used
    them. blocks: first and last block of the grid to run, and the most it may have."""

    def __init__(self, library):
        self.library = library
        self.vectors = None

    def run(self, name, arguments, *tensors, blocks=ALL_BLOCKS):
        value, flat_shapes, _, weights = arguments
        addresses = [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors]
        shape, blocks = shape_of(value, flat_shapes, weights), (ctypes.c_int64 * 3)(*blocks)
        found = getattr(self.library, name)(TYPES.index(value.dtype), ctypes.byref(shape), blocks, *addresses)
        assert found != -1, "some threads wait for an exchange that never happens"
        self.vectors = bool(found)

    def forward(self, *arguments, shift=0, blocks=ALL_BLOCKS):
        value, _, locations, weights = [guarded(a, shift) if isinstance(a, torch.Tensor) else a for a in arguments]
        output = guarded(torch.full_like(output_gradient(arguments), torch.nan), shift)
        self.run("emulate_forward", arguments, value, locations, weights, output, blocks=blocks)
        return unharmed(output)

    def backward(self, grad, *arguments, shift=0, blocks=ALL_BLOCKS):
        value, _, locations, weights = [guarded(a, shift) if isinstance(a, torch.Tensor) else a for a in arguments]
        wide = torch.float64 if value.dtype == torch.float64 else torch.float32
        grads = [guarded(torch.zeros_like(value, dtype=wide), shift)]
        grads += [guarded(torch.full_like(tensor, torch.nan), shift) for tensor in (locations, weights)]
        tensors = (guarded(grad, shift), value, locations, weights, *grads)
        self.run("emulate_backward", arguments, *tensors, blocks=blocks)
        return tuple(unharmed(tensor) for tensor in grads)


def guarded(tensor, shift):
    """A dense copy with NaN around it, `shift` numbers off the 16 bytes that vectors want."""
    surrounded = torch.full((tensor.numel() + 2 * GUARD,), torch.nan, dtype=tensor.dtype)
    inner = surrounded[GUARD + shift : GUARD + shift + tensor.numel()].view(tensor.shape)
    return inner.copy_(tensor)


def unharmed(tensor):
    """The tensor, once the guards around it have been found as they were."""
    begin = tensor.storage_offset()
    whole = tensor.as_strided((tensor.numel() + 2 * GUARD,), (1,), 0)
    assert torch.isnan(whole[:begin]).all() and torch.isnan(whole[begin + tensor.numel() :]).all()
    return tensor


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ here to compile the emulation of the CUDA kernels")
    library = tmp_path_factory.mktemp("emulation") / "cuda_emulation.so"
    flags = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    built = subprocess.run([compiler, *flags, SOURCE, "-o", library], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return Emulator(ctypes.CDLL(str(library)))


def assert_equal_to_body(emulator, arguments, **options):
    tolerance = TOLERANCES[arguments[0].dtype]
    exact = [a.double() if isinstance(a, torch.Tensor) else a for a in arguments]
    output = emulator.forward(*arguments, **options)
    torch.testing.assert_close(output.double(), ops._torch_forward(*exact), rtol=tolerance, atol=tolerance)
    grad = output_gradient(arguments)
    ours = emulator.backward(grad, *arguments, **options)
    for our, bodys in zip(ours, ops._torch_backward(grad.double(), *exact), strict=True):
        # a location's gradient grows with the level's size, and with it the rounding
        torch.testing.assert_close(our.double(), bodys, rtol=10 * tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_kernels_give_what_the_torch_body_gives(emulator, case, dtype):
    assert_equal_to_body(emulator, inputs(**case, dtype=dtype))


@pytest.mark.parametrize(
    "channels, dtype",
    [(64, torch.float32), (136, torch.float32), (1, torch.float64), (31, torch.float64), (264, torch.float16)],
)
def test_any_number_of_channels_finds_its_threads(emulator, channels, dtype):
    assert_equal_to_body(emulator, inputs(channels=channels, queries=3, points=2, dtype=dtype))


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_vectors_are_used_where_they_fit_and_change_nothing(emulator, dtype):
    arguments = inputs(channels=16, dtype=dtype)
    aligned = emulator.forward(*arguments)
    assert emulator.vectors
    shifted = emulator.forward(*arguments, shift=1)
    assert not emulator.vectors
    assert torch.equal(aligned, shifted)
    emulator.forward(*inputs(channels=17, dtype=dtype))
    assert not emulator.vectors


def test_a_tensor_that_begins_between_vectors_is_served(emulator):
    assert_equal_to_body(emulator, inputs(channels=16, dtype=torch.float16), shift=1)


def test_fewer_blocks_than_units_go_round_until_all_is_done(emulator):
    assert_equal_to_body(emulator, inputs(queries=700), blocks=(0, 2, 2))


def test_each_block_does_its_own_share(emulator):
    arguments = inputs(queries=300, batch=1, dtype=torch.float32)  # 600 units, of which a block takes 256
    output = emulator.forward(*arguments, blocks=(1, 2, 2**31 - 1))
    done = ~torch.isnan(output).all(-1).flatten()
    assert done.nonzero().flatten().tolist() == list(range(128, 256))


def test_locations_that_are_no_place_read_nothing(emulator):
    value, shapes, locations, weights = inputs(levels=((4, 4),), queries=1, points=4, dtype=torch.float32)
    locations[..., 0] = torch.tensor([torch.nan, torch.inf, -torch.inf, 1e30])
    assert (emulator.forward(value, shapes, locations, weights) == 0).all()
    grads = emulator.backward(torch.ones(2, 1, 8), value, shapes, locations, weights)
    assert all((grad == 0).all() for grad in grads)


def test_what_lies_outside_is_not_read_even_if_it_is_infinite(emulator):
    value, shapes, locations, weights = inputs(levels=((2, 2), (3, 3)), batch=1, queries=1, points=1)
    value[:, 0] = torch.inf  # the pixel that stands in for those outside
    locations[...] = 1.0  # the last pixel alone
    torch.testing.assert_close(
        emulator.forward(value, shapes, locations, weights), ops._torch_forward(value, shapes, locations, weights)
    )


def test_sums_of_half_numbers_are_kept_in_float32(emulator):
    value = torch.full((1, 1, 1, 8), 1.0).half()
    points = 4096
    weights = torch.full((1, 1, 1, 1, points), 1.0).half()
    locations = torch.full((1, 1, 1, 1, points, 2), 0.5).half()
    output = emulator.forward(value, [1, 1], locations, weights)
    assert (output == points).all()  # float16 alone stops growing at 2048
    grad_value, _, _ = emulator.backward(torch.ones(1, 1, 8).half(), value, [1, 1], locations, weights)
    assert (grad_value == points).all()


def test_a_thread_that_misses_an_exchange_is_noticed(emulator):
    """The emulation would see a kernel that hangs."""
    assert [emulator.library.emulate_missing_thread(lanes) for lanes in (1, 2, 8, 32)] == [0, 1, 1, 1]


# ---- tensors with more numbers than 32 bits count -------------------------------------------------------------------


def sparse(*shape, dtype=torch.float32):
    """Zeros in address space only: memory is taken page by page as it is touched."""
    size = torch.Size(shape).numel() * dtype.itemsize
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)
    try:
        return torch.frombuffer(mmap.mmap(-1, size, flags=flags), dtype=dtype).view(shape)
    except OSError as error:
        pytest.skip(f"this machine does not lend {size / 2**30:.0f} GiB of address space: {error}")


def test_pixels_beyond_32_bits_are_reached(emulator):
    """The last corner of each of three huge pictures, against a level of 2 x 2 with the same pixels."""
    side, heads, channels = 2**14, 2, 8
    small_value, _, _, weights = inputs(
        levels=((2, 2),), batch=3, channels=channels, queries=2, points=1, dtype=torch.float32
    )
    from_end = torch.tensor([1.25, 1.125]).expand(3, 2, heads, 1, 1, 2)  # in pixels, and exact in float32
    small = (small_value, [2, 2], (2 - from_end) / 2, weights)
    value, grad_value = (sparse(3, side * side, heads, channels) for _ in range(2))
    assert value[0].numel() > 2**31  # within a picture, and so all the more over pictures
    corner = [(side - row) * side - column for row, column in ((1, 2), (1, 1), (0, 2), (0, 1))]
    value[:, corner] = small_value
    huge = (value, [side, side], (side - from_end) / side, weights)

    output = torch.empty(3, 2, heads * channels)
    emulator.run("emulate_forward", huge, value, huge[2], weights, output)
    torch.testing.assert_close(output, ops._torch_forward(*small))

    grad = output_gradient(small)
    grad_locations, grad_weights = torch.empty_like(huge[2]), torch.empty_like(weights)
    emulator.run("emulate_backward", huge, grad, value, huge[2], weights, grad_value, grad_locations, grad_weights)
    expected = ops._torch_backward(grad, *small)
    torch.testing.assert_close(grad_value[:, corner], expected[0])
    torch.testing.assert_close(grad_locations, expected[1] * side / 2)
    torch.testing.assert_close(grad_weights, expected[2])


def test_units_beyond_32_bits_are_reached(emulator):
    """The last block of more than 2^31 heads and queries, against those queries alone."""
    heads, channels, queries, last = 8, 4, 2**28 + 4, 4
    few = inputs(levels=((3, 2),), batch=1, heads=heads, queries=last, points=1, dtype=torch.float32)
    value, shapes, few_locations, few_weights = few
    locations, weights = sparse(1, queries, heads, 1, 1, 2), sparse(1, queries, heads, 1, 1)
    locations[:, -last:], weights[:, -last:] = few_locations, few_weights
    many = (value, shapes, locations, weights)
    block = queries * heads // 256
    blocks = (block, block + 1, 2**31 - 1)

    output = sparse(1, queries, heads * channels)
    emulator.run("emulate_forward", many, value, locations, weights, output, blocks=blocks)
    torch.testing.assert_close(output[:, -last:], ops._torch_forward(*few))

    grad = sparse(1, queries, heads * channels)
    grad[:, -last:] = output_gradient(few)
    grads = [torch.zeros_like(value), sparse(*locations.shape), sparse(*weights.shape)]
    emulator.run("emulate_backward", many, grad, value, locations, weights, *grads, blocks=blocks)
    expected = gradients(ops._torch_backward, few)
    torch.testing.assert_close(grads[0], expected[0])
    torch.testing.assert_close(grads[1][:, -last:], expected[1])
    torch.testing.assert_close(grads[2][:, -last:], expected[2])
