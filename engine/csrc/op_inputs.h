// What the CPU and the CUDA op do alike before any arithmetic: check that the tensors fit each other, since the kernels
// trust them, and take their sizes.
// Letters: N pictures, S positions of all levels, M heads, D channels a head, Q queries, L levels, P points.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "ms_deform_attn.h"

namespace ctvis {

struct Sizes {
  int64_t batch, positions, heads, channels, queries, points;
  std::vector<Level> levels;

  int64_t row() const { return heads * channels; }
  int64_t head_samples() const { return static_cast<int64_t>(levels.size()) * points; }
};

// Refuses all that would make a kernel leave the tensors' memory.
inline Sizes checked_sizes(
    const torch::stable::Tensor& value,
    const std::vector<int64_t>& shapes,
    const torch::stable::Tensor& locations,
    const torch::stable::Tensor& attention) {
  STD_TORCH_CHECK(
      value.dim() == 4 && locations.dim() == 6 && attention.dim() == 5 && shapes.size() % 2 == 0,
      "ms_deform_attn: value must be (N, S, M, D), sampling_locations (N, Q, M, L, P, 2) and attention_weights "
      "(N, Q, M, L, P), and spatial_shapes two numbers for each of the L levels");
  Sizes sizes{value.size(0), value.size(1), value.size(2), value.size(3), attention.size(1), attention.size(4), {}};
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();
  int64_t start = 0;
  for (size_t i = 0; i < shapes.size(); i += 2) {
    const int64_t height = shapes[i], width = shapes[i + 1];
    STD_TORCH_CHECK(
        height > 0 && width > 0 && height <= limit / width && height * width <= limit - start,
        "ms_deform_attn: level ", i / 2, " has size ", height, " x ", width,
        "; every level needs a pixel, and all of them together fewer than 2^31");
    sizes.levels.push_back(
        {static_cast<int32_t>(height), static_cast<int32_t>(width), static_cast<int32_t>(start)});
    start += height * width;
  }
  STD_TORCH_CHECK(
      start == sizes.positions,
      "ms_deform_attn: value holds ", sizes.positions, " positions, but the levels add up to ", start);
  const int64_t levels = static_cast<int64_t>(sizes.levels.size());
  const std::array<int64_t, 6> expected{sizes.batch, sizes.queries, sizes.heads, levels, sizes.points, 2};
  for (int axis = 0; axis < 6; ++axis) {
    STD_TORCH_CHECK(
        locations.size(axis) == expected[axis] && (axis == 5 || attention.size(axis) == expected[axis]),
        "ms_deform_attn: sampling_locations and attention_weights must have size ", expected[axis],
        " in dimension ", axis, " to fit value and spatial_shapes");
  }
  return sizes;
}

inline void check_gradient(const torch::stable::Tensor& grad, int64_t batch, int64_t queries, int64_t row) {
  STD_TORCH_CHECK(
      grad.dim() == 3 && grad.size(0) == batch && grad.size(1) == queries && grad.size(2) == row,
      "ms_deform_attn: the gradient must have the output's shape (N, Q, M*D)");
}

template <typename scalar>
const scalar* data(const torch::stable::Tensor& tensor) {
  return static_cast<const scalar*>(tensor.const_data_ptr());
}

template <typename scalar>
scalar* mutable_data(const torch::stable::Tensor& tensor) {
  return static_cast<scalar*>(tensor.mutable_data_ptr());
}

}  // namespace ctvis
