"""Behaviour of the deformable attention op: the torch body against a plain loop, and the compiled kernel against the body.

Every case runs through the body; where `engine._C` was built it also runs through the kernel, else those tests skip and
say so.
"""

import importlib
import math

import pytest
import torch

from engine import ops
from tests.engine.attention import CASES, gradients, inputs

BODY = (ops._torch_forward, ops._torch_backward)
OP = (ops._op, ops._backward_op)

needs_kernel = pytest.mark.skipif(
    ops.active_kernel("cpu") == "torch",
    reason="engine._C is not built (CTVIS_OP=cpu pip install --no-build-isolation -e .)",
)
PATHS = [pytest.param(BODY, id="torch body"), pytest.param(OP, id="kernel", marks=needs_kernel)]


@needs_kernel
@pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 2e-5)], ids=["float64", "float32"]
)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_kernel_gives_what_the_torch_body_gives(case, dtype, tolerance):
    exact = inputs(**case)
    arguments = inputs(**case, dtype=dtype)
    output = ops._op(*arguments)
    assert output.dtype == dtype
    torch.testing.assert_close(output.double(), ops._torch_forward(*exact), rtol=tolerance, atol=tolerance)
    for ours, bodys in zip(gradients(ops._backward_op, arguments), gradients(ops._torch_backward, exact), strict=True):
        # a location's gradient grows with the level's size, and with it the rounding
        torch.testing.assert_close(ours.double(), bodys, rtol=10 * tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("device, binary", [("cpu", "engine._C"), ("cuda", "engine._C_cuda")])
def test_a_binary_whose_kernel_serves_is_a_module_as_well(device, binary):
    """Loading registers the kernels even if the import then fails, which would go unnoticed."""
    if ops.active_kernel(device) == "torch":
        pytest.skip(f"{binary} is not built")
    importlib.import_module(binary)


@pytest.mark.parametrize("path", PATHS)
def test_a_point_on_a_pixel_centre_reads_that_pixel(path):
    value = torch.arange(12.0, dtype=torch.float64).view(1, 12, 1, 1)  # one level of 3 rows and 4 columns
    location = torch.tensor([(2 + 0.5) / 4, (1 + 0.5) / 3], dtype=torch.float64).view(1, 1, 1, 1, 1, 2)
    output = path[0](value, [3, 4], location, torch.ones(1, 1, 1, 1, 1, dtype=torch.float64))
    assert output.item() == pytest.approx(1 * 4 + 2)


@pytest.mark.parametrize("path", PATHS)
def test_the_edge_of_the_picture_fades_to_zero(path):
    value = torch.ones(1, 12, 1, 1, dtype=torch.float64)
    x = torch.tensor([-0.5, -0.125, 0.0, 0.125, 1.0, 1.125, 1.5], dtype=torch.float64)  # a pixel is 0.25 wide
    locations = torch.stack([x, torch.full_like(x, 0.5)], dim=-1).view(1, 7, 1, 1, 1, 2)
    output = path[0](value, [3, 4], locations, torch.ones(1, 7, 1, 1, 1, dtype=torch.float64))
    assert output.flatten().tolist() == pytest.approx([0, 0, 0.5, 1, 0.5, 0, 0])


@pytest.mark.parametrize("path", PATHS)
def test_outputs_follow_the_definition_written_as_loops(path):
    value, shapes, locations, weights = arguments = inputs(queries=4)
    expected = torch.zeros(2, 4, 2, 4, dtype=torch.float64)
    for n, q, m, level, p in torch.cartesian_prod(*(torch.arange(size) for size in weights.shape)).tolist():
        h, w = shapes[2 * level : 2 * level + 2]
        start = sum(shapes[2 * i] * shapes[2 * i + 1] for i in range(level))
        x, y = (locations[n, q, m, level, p] * torch.tensor([w, h]) - 0.5).tolist()
        for row in (math.floor(y), math.floor(y) + 1):
            for column in (math.floor(x), math.floor(x) + 1):
                if 0 <= row < h and 0 <= column < w:
                    near = (1 - abs(y - row)) * (1 - abs(x - column))
                    expected[n, q, m] += weights[n, q, m, level, p] * near * value[n, start + row * w + column, m]
    torch.testing.assert_close(path[0](*arguments), expected.flatten(2))


@needs_kernel
def test_locations_that_are_no_place_read_nothing():
    value, shapes, locations, weights = inputs(levels=((4, 4),), queries=1, points=4)
    locations[..., 0] = torch.tensor([math.nan, math.inf, -math.inf, 1e30], dtype=torch.float64)
    assert (ops._op(value, shapes, locations, weights) == 0).all()


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("path", PATHS)
def test_points_outside_read_no_pixel_whatever_it_holds(path, number):
    value, shapes, locations, weights = inputs(levels=((3, 4),), channels=16)
    locations[..., 0] = torch.tensor([1.05, 1.3, -2.0])  # at the right edge, beyond it, far to the left
    value[:, ::4] = 0  # the left column, which nothing reads
    clean = (value, shapes, locations, weights)
    spoiled = (torch.where(value == 0, number, value), *clean[1:])
    assert path[0](*clean).any() and torch.equal(path[0](*spoiled), path[0](*clean))
    for ours, expected in zip(gradients(path[1], spoiled), gradients(path[1], clean), strict=True):
        assert torch.equal(ours, expected)


def test_gradients_are_those_of_finite_differences():
    value, _, locations, weights = inputs(levels=((3, 4), (2, 2)), batch=1, queries=3, points=2)
    tensors = [tensor.requires_grad_() for tensor in (value, locations, weights)]
    assert torch.autograd.gradcheck(lambda v, x, a: ops.ms_deform_attn(v, [(3, 4), (2, 2)], x, a), tensors)


def test_torch_body_gradients_are_those_of_autograd():
    arguments = inputs()
    tensors = [arguments[i].requires_grad_() for i in (0, 2, 3)]
    output = ops._torch_forward(*arguments)
    grad = torch.linspace(-1, 1, output.numel(), dtype=torch.float64).view_as(output)
    expected = torch.autograd.grad(output, tensors, grad)
    with torch.no_grad():
        for ours, autograds in zip(ops._torch_backward(grad, *arguments), expected, strict=True):
            torch.testing.assert_close(ours, autograds)


@pytest.mark.parametrize("path", PATHS)
def test_strided_inputs_give_what_dense_ones_give(path):
    value, shapes, locations, weights = arguments = inputs()
    strided = (
        value.transpose(1, 3).contiguous().transpose(1, 3),
        shapes,
        locations.flip(-1).flip(-1).transpose(0, 4).contiguous().transpose(0, 4),
        weights.repeat_interleave(2, dim=1)[:, ::2],
    )
    assert not any(strided[i].is_contiguous() for i in (0, 2, 3))
    torch.testing.assert_close(path[0](*strided), path[0](*arguments))
    for ours, dense in zip(gradients(path[1], strided), gradients(path[1], arguments), strict=True):
        torch.testing.assert_close(ours, dense)


@pytest.mark.parametrize(
    "shapes", [((5, 7), (3, 3), (1, 2)), torch.tensor([[5, 7], [3, 3], [1, 2]])], ids=["list", "tensor"]
)
def test_levels_may_come_as_a_list_or_a_tensor(shapes):
    value, flat_shapes, locations, weights = inputs()
    expected = ops._torch_forward(value, flat_shapes, locations, weights)
    torch.testing.assert_close(ops.ms_deform_attn(value, shapes, locations, weights), expected)


def test_autocast_computes_in_float32():
    value, shapes, locations, weights = inputs(levels=((4, 6),), dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        output = ops.ms_deform_attn(value.bfloat16(), [(4, 6)], locations, weights)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, ops._torch_forward(value.bfloat16().float(), shapes, locations, weights))


def test_pytorch_accepts_both_ops_as_well_behaved():
    value, shapes, locations, weights = inputs(queries=3)
    tensors = [tensor.requires_grad_() for tensor in (value, locations, weights)]
    torch.library.opcheck(ops._op, (tensors[0], shapes, *tensors[1:]))
    grad = torch.ones(2, 3, 8, dtype=torch.float64)
    detached = [tensor.detach() for tensor in tensors]
    torch.library.opcheck(ops._backward_op, (grad, detached[0], shapes, *detached[1:]))


def test_compiled_model_keeps_the_op_in_one_graph():
    value, shapes, locations, weights = inputs(queries=3)
    value.requires_grad_()
    levels = ops._pairs(shapes)
    compiled = torch.compile(ops.ms_deform_attn, fullgraph=True, backend="aot_eager")
    expected = ops.ms_deform_attn(value, levels, locations, weights)
    output = compiled(value, levels, locations, weights)
    torch.testing.assert_close(output, expected)
    (ours,) = torch.autograd.grad(output.sum(), value)
    torch.testing.assert_close(ours, torch.autograd.grad(expected.sum(), value)[0])


@pytest.mark.parametrize(
    "spoil, complaint",
    [
        (lambda v, s, x, a: (v[:, 1:], s, x, a), "holds 45 positions"),
        (lambda v, s, x, a: (v, s[:2], x, a), "add up to 44"),
        (lambda v, s, x, a: (v, s, x[..., :1], a), "last 2"),
        (lambda v, s, x, a: (v, s, x[:, :3], a), r"\(2, 6, 2, 3, 3\)"),
        (lambda v, s, x, a: (v, s, x, a[:1]), r"\(2, 6, 2, 3, 3\)"),
        (lambda v, s, x, a: (v, s, x, a[:, :, :1]), r"\(2, 6, 2, 3, 3\)"),
        (lambda v, s, x, a: (v.flatten(2), s, x, a), r"wants value \(N, S, M, D\)"),
        (lambda v, s, x, a: (v, [(5, 7), (-3, -3), (1, 2)], x, a), "at least one pixel"),
    ],
)
def test_shapes_that_do_not_fit_are_named(spoil, complaint):
    value, shapes, locations, weights = inputs()
    with pytest.raises(ValueError, match=complaint):
        ops.ms_deform_attn(*spoil(value, ops._pairs(shapes), locations, weights))


@needs_kernel
@pytest.mark.parametrize(
    "spoil, complaint",
    [
        (lambda v, s, x, a: (v[:, 1:], s, x, a), "45 positions"),
        (lambda v, s, x, a: (v, [5, 7, -3, -3, 1, 2], x, a), "level 1 has size -3 x -3"),
        (lambda v, s, x, a: (v, [5, 7, 3, 3, 1], x, a), "two numbers for each"),
        (lambda v, s, x, a: (v, s, x[:, :3], a), "size 6 in dimension 1"),
        (lambda v, s, x, a: (v, s, x, a.float()), "all float64"),
        (lambda v, s, x, a: (v.half(), s, x.half(), a.half()), "float32"),
    ],
)
def test_kernel_itself_never_reads_beyond_its_tensors(spoil, complaint):
    with pytest.raises(RuntimeError, match=complaint):
        ops._op(*spoil(*inputs()))
