// Multi-scale deformable attention on the CPU, forward and backward, for float32 and float64.
//
// The op itself, its autograd and its fake kernels are defined in engine/ops.py; this file only gives PyTorch's
// dispatcher a faster body, through the ABI-stable API, so that one binary serves many torch versions.
// Work is split so that no two threads write the same memory: forward by query, backward by picture and head.
// Letters: N pictures, S positions of all levels, M heads, D channels a head, Q queries, L levels, P points.
#include "channel_block.h"
#include "ms_deform_attn.h"
#include "op_inputs.h"
#include "samples.h"
#include "variants.h"

#include <Python.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <tuple>
#include <vector>

namespace {

using ctvis::Axis;
using ctvis::Block;
using ctvis::data;
using ctvis::kCorners;
using ctvis::mutable_data;
using ctvis::run_parallel;
using ctvis::Samples;
using ctvis::Sizes;
using ctvis::sum_lanes;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

// ---- forward ------------------------------------------------------------------------------------------------------

template <typename scalar>
struct Forward {
  const Sizes& sizes;
  const scalar* value;      // (N, S, M, D)
  const scalar* locations;  // (N, Q, M, L, P, 2)
  const scalar* attention;  // (N, Q, M, L, P)
  scalar* output;           // (N, Q, M, D)

  // Queries [begin, end) of the N * Q. kBlock divides D.
  template <int kBlock, int kBytes>
  CTVIS_INLINE void run(int64_t begin, int64_t end) const {
    using Channels = Block<scalar, kBlock, kBytes>;
    const int64_t row = sizes.row(), head_count = sizes.head_samples(), count = sizes.heads * head_count;
    Samples<scalar> samples(sizes, sizes.heads);
    for (int64_t query = begin; query < end; ++query) {
      samples.locate(locations + query * count * 2, attention + query * count);
      const scalar* picture = value + query / sizes.queries * sizes.positions * row;
      for (int64_t channel = 0; channel < row; channel += kBlock) {
        const int64_t first = channel / sizes.channels * head_count;
        typename Channels::Vector sum[Channels::kVectors] = {};
        add<Channels, false>(sum, samples, first, first + head_count, picture + channel);
        if (!Channels::finite(sum)) {  // maybe only by a pixel that stood in, with factor 0, for what lies outside
          for (auto& part : sum) part = typename Channels::Vector{};
          add<Channels, true>(sum, samples, first, first + head_count, picture + channel);
        }
        for (int v = 0; v < Channels::kVectors; ++v) Channels::store(output + query * row + channel, v, sum[v]);
      }
    }
  }

  // Samples [first, last) of a query, for the channels that begin at `pixels`.
  template <typename Channels, bool kSkipsOutside>
  CTVIS_INLINE void add(typename Channels::Vector (&sum)[Channels::kVectors], const Samples<scalar>& samples,
                        int64_t first, int64_t last, const scalar* pixels) const {
    for (int64_t sample = first; sample < last; ++sample) {
      for (int corner = 0; corner < kCorners; ++corner) {
        if (kSkipsOutside && !samples.counts(sample, corner)) continue;
        const scalar* pixel = pixels + samples.pixel(sample, corner) * sizes.row();
        const scalar factor = samples.factor(sample, corner);
        for (int v = 0; v < Channels::kVectors; ++v) sum[v] += factor * Channels::load(pixel, v);
      }
    }
  }
};

// ---- backward -----------------------------------------------------------------------------------------------------

template <typename scalar>
struct Backward {
  const Sizes& sizes;
  const scalar* grad;       // (N, Q, M, D)
  const scalar* value;      // (N, M, S, D): a head's pixels side by side, or they would crowd a fraction of the cache
  const scalar* locations;  // (N, Q, M, L, P, 2)
  const scalar* attention;  // (N, Q, M, L, P)
  scalar* grad_value;       // as value, all zero at first
  scalar* grad_locations;
  scalar* grad_attention;

  // Of the N * M, [begin, end): all that one head does in one picture, since all its queries add to the same pixels.
  template <int kBlock, int kBytes>
  CTVIS_INLINE void run(int64_t begin, int64_t end) const {
    const int64_t channels = sizes.channels, count = sizes.head_samples();
    Samples<scalar> samples(sizes, 1);
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t picture = unit / sizes.heads, head = unit % sizes.heads;
      const int64_t pixels = unit * sizes.positions * channels;
      for (int64_t query = picture * sizes.queries; query < (picture + 1) * sizes.queries; ++query) {
        const int64_t query_head = query * sizes.heads + head;
        const int64_t first = query_head * count;
        samples.locate(locations + 2 * first, attention + first);
        for (int64_t sample = 0; sample < count; ++sample) {
          run_sample<kBlock, kBytes>(samples, sample, grad + query_head * channels, pixels, first + sample);
        }
      }
    }
  }

  // query_grad: (D); pixels: where the head's pixels begin; at: the sample's place in (N, Q, M, L, P)
  template <int kBlock, int kBytes>
  CTVIS_INLINE void run_sample(
      const Samples<scalar>& samples, int64_t sample, const scalar* query_grad, int64_t pixels, int64_t at) const {
    using Channels = Block<scalar, kBlock, kBytes>;
    using Vector = typename Channels::Vector;
    Vector products[kCorners] = {};
    for (int64_t channel = 0; channel < sizes.channels; channel += kBlock) {
      for (int corner = 0; corner < kCorners; ++corner) {
        const int64_t pixel = pixels + samples.pixel(sample, corner) * sizes.channels + channel;
        const scalar factor = samples.factor(sample, corner);
        for (int v = 0; v < Channels::kVectors; ++v) {
          const Vector part = Channels::load(query_grad + channel, v);
          products[corner] += part * Channels::load(value + pixel, v);
          Channels::store(grad_value + pixel, v, Channels::load(grad_value + pixel, v) + factor * part);
        }
      }
    }
    const Axis<scalar> x = samples.x(sample), y = samples.y(sample);
    scalar by_weight = 0, by_x = 0, by_y = 0;
    for (int corner = 0; corner < kCorners; ++corner) {
      const scalar read = sum_lanes<scalar, Channels::kLanes>(products[corner]);
      const scalar product = samples.counts(sample, corner) ? read : scalar(0);
      by_weight += product * ctvis::corner_weight(y, x, corner);
      by_x += product * ctvis::corner_slope_x(y, x, corner);
      by_y += product * ctvis::corner_slope_y(y, x, corner);
    }
    grad_attention[at] = by_weight;
    grad_locations[2 * at] = attention[at] * by_x;
    grad_locations[2 * at + 1] = attention[at] * by_y;
  }
};

// ---- the op -------------------------------------------------------------------------------------------------------

Sizes checked_inputs(
    const Tensor& value, const std::vector<int64_t>& shapes, const Tensor& locations, const Tensor& attention) {
  const ScalarType type = value.scalar_type();
  STD_TORCH_CHECK(
      (type == ScalarType::Float || type == ScalarType::Double) && locations.scalar_type() == type &&
          attention.scalar_type() == type,
      "ms_deform_attn: on the CPU all tensors must be float32, or all float64");
  return ctvis::checked_sizes(value, shapes, locations, attention);
}

// (N, S, M, D) <-> (N, M, S, D)
Tensor swap_positions_and_heads(const Tensor& value) {
  return torch::stable::contiguous(torch::stable::transpose(value, 1, 2));
}

Tensor forward(Tensor value, std::vector<int64_t> spatial_shapes, Tensor locations, Tensor attention) {
  const Sizes sizes = checked_inputs(value, spatial_shapes, locations, attention);
  value = torch::stable::contiguous(value);
  locations = torch::stable::contiguous(locations);
  attention = torch::stable::contiguous(attention);
  Tensor output = torch::stable::new_empty(value, {sizes.batch, sizes.queries, sizes.row()});

  const auto run_as = [&]<typename scalar>(scalar) {
    const Forward<scalar> job{
        sizes, data<scalar>(value), data<scalar>(locations), data<scalar>(attention), mutable_data<scalar>(output)};
    run_parallel(job, sizes.channels, sizes.batch * sizes.queries, /*grain=*/32);
  };
  value.scalar_type() == ScalarType::Float ? run_as(float()) : run_as(double());
  return output;
}

std::tuple<Tensor, Tensor, Tensor> backward(
    Tensor grad, Tensor value, std::vector<int64_t> spatial_shapes, Tensor locations, Tensor attention) {
  const Sizes sizes = checked_inputs(value, spatial_shapes, locations, attention);
  ctvis::check_gradient(grad, sizes.batch, sizes.queries, sizes.row());
  STD_TORCH_CHECK(
      grad.scalar_type() == value.scalar_type(), "ms_deform_attn: the gradient must have the output's dtype");
  grad = torch::stable::contiguous(grad);
  value = swap_positions_and_heads(value);
  locations = torch::stable::contiguous(locations);
  attention = torch::stable::contiguous(attention);
  Tensor grad_value = torch::stable::new_zeros(value, value.sizes());
  Tensor grad_locations = torch::stable::new_empty(locations, locations.sizes());
  Tensor grad_attention = torch::stable::new_empty(attention, attention.sizes());

  const auto run_as = [&]<typename scalar>(scalar) {
    const Backward<scalar> job{
        sizes,
        data<scalar>(grad),
        data<scalar>(value),
        data<scalar>(locations),
        data<scalar>(attention),
        mutable_data<scalar>(grad_value),
        mutable_data<scalar>(grad_locations),
        mutable_data<scalar>(grad_attention)};
    run_parallel(job, sizes.channels, sizes.batch * sizes.heads, /*grain=*/1);
  };
  value.scalar_type() == ScalarType::Float ? run_as(float()) : run_as(double());
  return {swap_positions_and_heads(grad_value), grad_locations, grad_attention};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(ctvis, CPU, m) {
  m.impl("ms_deform_attn", TORCH_BOX(&forward));
  m.impl("ms_deform_attn_backward", TORCH_BOX(&backward));
}

// `import engine._C` wants a module; by the time it is made, loading the library has registered the kernels.
PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_C", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};
  return PyModule_Create(&module);
}
