"""The deformable attention op on a GPU: the compiled kernel against the torch body on the processor.

Skips without a GPU or without the built kernel (CTVIS_OP=cuda); with FAIL_WITHOUT_CUDA=1 in the environment it fails
instead, for machines that are meant to have both.
"""

import os

import pytest
import torch

from engine import ops
from tests.engine.attention import CASES, gradients, inputs, output_gradient

MISSING = (
    "there is no GPU here"
    if not torch.cuda.is_available()
    else "engine._C_cuda is not built (CTVIS_OP=cuda)"
    if ops.active_kernel("cuda") == "torch"
    else ""
)
pytestmark = [
    pytest.mark.needs_cuda,
    pytest.mark.skipif(bool(MISSING) and not os.environ.get("FAIL_WITHOUT_CUDA"), reason=MISSING),
]
TOLERANCES = {torch.float64: 1e-12, torch.float32: 2e-5, torch.float16: 1e-3, torch.bfloat16: 8e-3}


def on_gpu(arguments):
    return tuple(a.cuda() if isinstance(a, torch.Tensor) else a for a in arguments)


def exact(arguments):
    return tuple(a.double().cpu() if isinstance(a, torch.Tensor) else a for a in arguments)


def assert_equal_to_body(arguments):
    tolerance = TOLERANCES[arguments[0].dtype]
    output = ops._op(*arguments)
    assert output.is_cuda and output.dtype == arguments[0].dtype
    torch.testing.assert_close(
        output.double().cpu(), ops._torch_forward(*exact(arguments)), rtol=tolerance, atol=tolerance
    )
    ours = ops._backward_op(output_gradient(arguments), *arguments)
    expected = ops._torch_backward(output_gradient(arguments).double().cpu(), *exact(arguments))
    for our, bodys in zip(ours, expected, strict=True):
        assert our.dtype == arguments[0].dtype
        torch.testing.assert_close(our.double().cpu(), bodys, rtol=10 * tolerance, atol=10 * tolerance)


def test_the_kernel_is_there():
    assert ops.active_kernel() == "cuda"


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_kernel_gives_what_the_torch_body_gives(case, dtype):
    assert_equal_to_body(on_gpu(inputs(**case, dtype=dtype)))


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_a_whole_frame_of_the_full_model_agrees(dtype):
    levels = ((60, 108), (30, 54), (15, 27))
    assert_equal_to_body(
        on_gpu(inputs(levels, batch=1, heads=8, channels=32, queries=2000, points=4, dtype=dtype, spread=1.0))
    )


def test_strided_and_shifted_tensors_are_served():
    value, shapes, locations, weights = arguments = on_gpu(inputs(channels=16, dtype=torch.float32))
    strided = (
        value.transpose(1, 3).contiguous().transpose(1, 3),
        shapes,
        locations,
        weights.repeat(1, 2, 1, 1, 1)[:, 6:],
    )
    shifted = (torch.cat([value.new_zeros(1), value.flatten()])[1:].view(value.shape), shapes, locations, weights)
    expected = ops._op(*arguments)
    torch.testing.assert_close(ops._op(*shifted), expected)
    torch.testing.assert_close(ops._op(*strided), expected)
    for ours, dense in zip(gradients(ops._backward_op, strided), gradients(ops._backward_op, arguments), strict=True):
        torch.testing.assert_close(ours, dense)


def test_locations_that_are_no_place_read_nothing():
    value, shapes, locations, weights = on_gpu(inputs(levels=((4, 4),), queries=1, points=4))
    locations[..., 0] = torch.tensor([torch.nan, torch.inf, -torch.inf, 1e30], device="cuda")
    assert (ops._op(value, shapes, locations, weights) == 0).all()


def test_gradients_are_those_of_finite_differences():
    value, _, locations, weights = on_gpu(inputs(levels=((3, 4), (2, 2)), batch=1, queries=3, points=2))
    tensors = [tensor.requires_grad_() for tensor in (value, locations, weights)]
    # sums by atomic adds come in any order, so two runs differ in their last bits
    assert torch.autograd.gradcheck(
        lambda v, x, a: ops.ms_deform_attn(v, [(3, 4), (2, 2)], x, a), tensors, nondet_tol=1e-12
    )


def test_pytorch_accepts_the_op_as_well_behaved():
    value, shapes, locations, weights = on_gpu(inputs(queries=3))
    tensors = [tensor.requires_grad_() for tensor in (value, locations, weights)]
    torch.library.opcheck(ops._op, (tensors[0], shapes, *tensors[1:]))


def test_autocast_computes_in_float32():
    value, shapes, locations, weights = on_gpu(inputs(levels=((4, 6),), dtype=torch.float32))
    with torch.autocast("cuda", torch.float16):
        output = ops.ms_deform_attn(value.half(), [(4, 6)], locations, weights)
    assert output.dtype == torch.float32
    torch.testing.assert_close(output, ops._op(value.half().float(), shapes, locations, weights))


def test_compiled_model_keeps_the_op_in_one_graph():
    value, shapes, locations, weights = on_gpu(inputs(queries=3, dtype=torch.float32))
    levels = ops._pairs(shapes)
    compiled = torch.compile(ops.ms_deform_attn, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(
        compiled(value, levels, locations, weights), ops.ms_deform_attn(value, levels, locations, weights)
    )


def test_the_kernel_works_on_the_stream_that_is_current():
    arguments = on_gpu(inputs(queries=400, channels=32, dtype=torch.float32))
    expected = ops._op(*arguments)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        torch.cuda._sleep(50_000_000)  # the input is zero until the stream comes to fill it
        late = torch.zeros_like(arguments[0]).copy_(arguments[0])
        output = ops._op(late, *arguments[1:])
    stream.synchronize()
    torch.testing.assert_close(output, expected)


def test_tensors_of_more_than_32_bits_are_reached():
    if torch.cuda.get_device_properties(0).total_memory < 24 * 2**30:
        pytest.skip("needs a GPU with 24 GiB")
    side, heads, channels = 2**14, 2, 8
    small_value, _, _, weights = inputs(
        levels=((2, 2),), batch=2, channels=channels, queries=2, points=1, dtype=torch.float16
    )
    value = torch.zeros(2, side * side, heads, channels, dtype=torch.float16, device="cuda")
    corner = [(side - row) * side - column for row, column in ((1, 2), (1, 1), (0, 2), (0, 1))]
    value[:, corner] = small_value.cuda()
    at_end = torch.ones(2, 2, heads, 1, 1, 2, dtype=torch.float16)  # the corner itself: a quarter of the last pixel
    output = ops._op(value, [side, side], at_end.cuda(), weights.cuda())
    torch.testing.assert_close(output.cpu(), ops._op(small_value.cuda(), [2, 2], at_end.cuda(), weights.cuda()).cpu())


@pytest.mark.parametrize(
    "spoil, complaint",
    [
        (lambda v, s, x, a: (v[:, 1:], s, x, a), "45 positions"),
        (lambda v, s, x, a: (v, s, x, a.float()), "of one type"),
        (lambda v, s, x, a: (v, s, x.cpu(), a), "on one GPU"),
        (lambda v, s, x, a: (v.int(), s, x.int(), a.int()), "must be float32, float64, float16 or bfloat16"),
    ],
)
def test_kernel_itself_never_reads_beyond_its_tensors(spoil, complaint):
    with pytest.raises(RuntimeError, match=complaint):
        ops._op(*spoil(*on_gpu(inputs())))
