// Multi-scale deformable attention on CUDA: registers the kernels with PyTorch's dispatcher through its ABI-stable API.
// Checks, memory and streams are dealt with here; the numbers in kernels.h. See engine/ops.py for the op itself.
#include "../op_inputs.h"
#include "launch.h"

#include <Python.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace {

using ctvis::Shape;
using ctvis::Sizes;
using ctvis::Type;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;
using torch::stable::accelerator::DeviceGuard;

Type type_of(const Tensor& value) {
  switch (value.scalar_type()) {
    case ScalarType::Float:
      return Type::float32;
    case ScalarType::Double:
      return Type::float64;
    case ScalarType::Half:
      return Type::float16;
    case ScalarType::BFloat16:
      return Type::bfloat16;
    default:
      STD_TORCH_CHECK(false, "ms_deform_attn: on CUDA tensors must be float32, float64, float16 or bfloat16");
  }
}

void check_like(const Tensor& tensor, const Tensor& value) {
  STD_TORCH_CHECK(
      tensor.is_cuda() && tensor.get_device_index() == value.get_device_index() &&
          tensor.scalar_type() == value.scalar_type(),
      "ms_deform_attn: all tensors must be of one type and on one GPU");
}

Shape checked_shape(
    const Tensor& value, const std::vector<int64_t>& spatial_shapes, const Tensor& locations, const Tensor& attention) {
  STD_TORCH_CHECK(value.is_cuda(), "ms_deform_attn: all tensors must be on one GPU");
  check_like(locations, value);
  check_like(attention, value);
  const Sizes sizes = ctvis::checked_sizes(value, spatial_shapes, locations, attention);
  constexpr int64_t limit = 1 << 30;
  STD_TORCH_CHECK(
      sizes.levels.size() <= ctvis::kMaxLevels && sizes.row() < limit && sizes.points < limit,
      "ms_deform_attn: on CUDA there may be ", ctvis::kMaxLevels, " levels and fewer than 2^30 channels and points");
  Shape shape{
      sizes.batch,
      sizes.positions,
      sizes.queries,
      static_cast<int32_t>(sizes.heads),
      static_cast<int32_t>(sizes.channels),
      static_cast<int32_t>(sizes.points),
      static_cast<int32_t>(sizes.levels.size()),
      {}};
  std::copy(sizes.levels.begin(), sizes.levels.end(), shape.levels);
  return shape;
}

void* current_stream(const Tensor& tensor) {
  return torch::stable::accelerator::getCurrentStream(tensor.get_device_index()).nativeHandle();
}

void check_launched(const char* error) {
  STD_TORCH_CHECK(error == nullptr, "ms_deform_attn: CUDA reports: ", error);
}

Tensor forward(Tensor value, std::vector<int64_t> spatial_shapes, Tensor locations, Tensor attention) {
  const Shape shape = checked_shape(value, spatial_shapes, locations, attention);
  const DeviceGuard on_device(value.get_device_index());
  value = torch::stable::contiguous(value);
  locations = torch::stable::contiguous(locations);
  attention = torch::stable::contiguous(attention);
  Tensor output = torch::stable::new_empty(value, {shape.batch, shape.queries, shape.row()});
  check_launched(ctvis::launch_forward(
      type_of(value), shape, value.const_data_ptr(), locations.const_data_ptr(), attention.const_data_ptr(),
      output.mutable_data_ptr(), current_stream(value)));
  return output;
}

std::tuple<Tensor, Tensor, Tensor> backward(
    Tensor grad, Tensor value, std::vector<int64_t> spatial_shapes, Tensor locations, Tensor attention) {
  const Shape shape = checked_shape(value, spatial_shapes, locations, attention);
  check_like(grad, value);
  ctvis::check_gradient(grad, shape.batch, shape.queries, shape.row());
  const DeviceGuard on_device(value.get_device_index());
  grad = torch::stable::contiguous(grad);
  value = torch::stable::contiguous(value);
  locations = torch::stable::contiguous(locations);
  attention = torch::stable::contiguous(attention);
  const ScalarType type = value.scalar_type();
  const ScalarType wide = type == ScalarType::Double ? type : ScalarType::Float;
  Tensor grad_value = torch::stable::new_zeros(value, value.sizes(), wide);
  Tensor grad_locations = torch::stable::new_empty(locations, locations.sizes());
  Tensor grad_attention = torch::stable::new_empty(attention, attention.sizes());
  check_launched(ctvis::launch_backward(
      type_of(value), shape, grad.const_data_ptr(), value.const_data_ptr(), locations.const_data_ptr(),
      attention.const_data_ptr(), grad_value.mutable_data_ptr(), grad_locations.mutable_data_ptr(),
      grad_attention.mutable_data_ptr(), current_stream(value)));
  return {torch::stable::to(grad_value, type), grad_locations, grad_attention};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(ctvis, CUDA, m) {
  m.impl("ms_deform_attn", TORCH_BOX(&forward));
  m.impl("ms_deform_attn_backward", TORCH_BOX(&backward));
}

// `import engine._C_cuda` wants a module; by the time it is made, loading the library has registered the kernels.
PyMODINIT_FUNC PyInit__C_cuda() {
  static PyModuleDef module = {
      PyModuleDef_HEAD_INIT, "_C_cuda", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};
  return PyModule_Create(&module);
}
