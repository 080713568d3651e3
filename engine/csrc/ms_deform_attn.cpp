// Multi-scale deformable attention on the CPU, forward and backward, for float32 and float64.
//
// The op itself, its shapes, autograd and fake kernels are defined in engine/ops.py; this file only registers a faster
// body with PyTorch's dispatcher, through the ABI-stable API, so that one binary serves many torch versions.
// Work is split so that no two threads write the same memory: forward over outputs, backward over (picture, head, level).
// Letters: N pictures, S positions of all levels, M heads, D channels a head, Q queries, L levels, P points.
#include "ms_deform_attn.h"

#include <Python.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// One wheel must run on every x86-64: the hot loops are compiled for three generations and chosen at run time.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define CTVIS_MULTIVERSION 1
#endif

namespace {

using ctvis::Axis;
using torch::stable::Tensor;

constexpr int kCorners = 4;

struct Level {
  int32_t height, width;
  int64_t start;  // of its first position within S
};

struct Sizes {
  int64_t batch, positions, heads, channels, queries, points;
  std::vector<Level> levels;

  int64_t samples() const { return static_cast<int64_t>(levels.size()) * points; }  // a query and head
};

// ---- channels in vectors ----------------------------------------------------------------------------------------------

// Loops over channels are written with the compiler's vector types: left to itself, g++ 12 turns them inside out. kBlock
// channels are kept in registers at a time, as kBlock / kLanes vectors; the compiler splits these where the machine's are
// shorter. kBlock is 1 for numbers of channels that no vector divides.
template <typename scalar, int kBlock>
struct Block {
  static constexpr int kLanes = std::min(kBlock, static_cast<int>(64 / sizeof(scalar)));
  static constexpr int kVectors = kBlock / kLanes;
  typedef scalar Vector __attribute__((vector_size(kLanes * sizeof(scalar))));

  static CTVIS_INLINE Vector load(const scalar* source, int vector) {
    Vector loaded;
    std::memcpy(&loaded, source + vector * kLanes, sizeof(loaded));
    return loaded;
  }

  static CTVIS_INLINE void store(scalar* target, int vector, Vector values) {
    std::memcpy(target + vector * kLanes, &values, sizeof(values));
  }
};

// The sum of a vector's lanes, by adding its upper half to its lower half until one is left.
template <typename scalar, int kLanes, typename Vector>
CTVIS_INLINE scalar sum_lanes(Vector vector) {
  if constexpr (kLanes == 1) {
    return vector[0];
  } else {
    return [&]<int... lane>(std::integer_sequence<int, lane...>) __attribute__((always_inline)) {
      return sum_lanes<scalar, kLanes / 2>(
          __builtin_shufflevector(vector, vector, lane...) + __builtin_shufflevector(vector, vector, (lane + kLanes / 2)...));
    }(std::make_integer_sequence<int, kLanes / 2>());
  }
}

// ---- forward ----------------------------------------------------------------------------------------------------------

template <typename scalar>
struct Forward {
  const Sizes& sizes;
  const scalar* value;      // (N, M, S, D)
  const scalar* locations;  // (N, Q, M, L, P, 2)
  const scalar* weights;    // (N, Q, M, L, P)
  scalar* output;           // (N, Q, M, D)
};

// Units [begin, end) of the N * M * Q: one output vector each, head by head so that a head's value stays in the cache.
// kBlock divides D.
template <typename scalar, int kBlock>
CTVIS_INLINE void forward_units(const Forward<scalar>& job, int64_t begin, int64_t end) {
  const Sizes& sizes = job.sizes;
  using Channels = Block<scalar, kBlock>;
  using Vector = typename Channels::Vector;
  constexpr int kVectors = Channels::kVectors;
  const int64_t channels = sizes.channels;
  const int64_t samples = sizes.samples();

  // Two passes a unit: first where its samples lie, vectorised over samples; then the gathering, over channels.
  std::vector<int32_t> widths, heights, starts;
  for (const Level& level : sizes.levels) {
    widths.insert(widths.end(), sizes.points, level.width);
    heights.insert(heights.end(), sizes.points, level.height);
    starts.insert(starts.end(), sizes.points, static_cast<int32_t>(level.start));
  }
  std::vector<int32_t> pixel_buffer(kCorners * samples);
  std::vector<scalar> weight_buffer(kCorners * samples);
  const int32_t* __restrict__ width = widths.data();
  const int32_t* __restrict__ height = heights.data();
  const int32_t* __restrict__ start = starts.data();
  int32_t* __restrict__ pixel = pixel_buffer.data();
  scalar* __restrict__ corner_weight = weight_buffer.data();

  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t picture_head = unit / sizes.queries;
    const int64_t query = picture_head / sizes.heads * sizes.queries + unit % sizes.queries;
    const int64_t query_head = query * sizes.heads + picture_head % sizes.heads;
    const scalar* location = job.locations + query_head * samples * 2;
    const scalar* weight = job.weights + query_head * samples;
#pragma GCC ivdep
    for (int64_t s = 0; s < samples; ++s) {
      const Axis<scalar> x = ctvis::sample_axis(location[2 * s], width[s]);
      const Axis<scalar> y = ctvis::sample_axis(location[2 * s + 1], height[s]);
      for (int corner = 0; corner < kCorners; ++corner) {
        pixel[corner * samples + s] = start[s] + ctvis::corner_pixel(y, x, width[s], corner);
        corner_weight[corner * samples + s] = weight[s] * ctvis::corner_weight(y, x, corner);
      }
    }

    const scalar* value = job.value + picture_head * sizes.positions * channels;
    scalar* output = job.output + query_head * channels;
    for (int64_t channel = 0; channel < channels; channel += kBlock, value += kBlock, output += kBlock) {
      Vector sum[kVectors] = {};
      for (int64_t s = 0; s < samples; ++s) {
        for (int corner = 0; corner < kCorners; ++corner) {
          const scalar* source = value + pixel[corner * samples + s] * channels;
          const scalar factor = corner_weight[corner * samples + s];
          for (int v = 0; v < kVectors; ++v) sum[v] += factor * Channels::load(source, v);
        }
      }
      for (int v = 0; v < kVectors; ++v) Channels::store(output, v, sum[v]);
    }
  }
}

// ---- backward ---------------------------------------------------------------------------------------------------------

template <typename scalar>
struct Backward {
  const Sizes& sizes;
  const scalar* grad;       // (N, Q, M, D)
  const scalar* value;      // (N, M, S, D)
  const scalar* locations;  // (N, Q, M, L, P, 2)
  const scalar* weights;    // (N, Q, M, L, P)
  scalar* grad_value;       // (N, M, S, D), zeros at first
  scalar* grad_locations;
  scalar* grad_weights;
};

// Units [begin, end) of the N * M * L: all samples that one head takes from one level of one picture.
template <typename scalar, int kBlock>
CTVIS_INLINE void backward_units(const Backward<scalar>& job, int64_t begin, int64_t end) {
  const Sizes& sizes = job.sizes;
  using Channels = Block<scalar, kBlock>;
  using Vector = typename Channels::Vector;
  constexpr int kVectors = Channels::kVectors;
  const int64_t channels = sizes.channels;
  const int64_t level_count = static_cast<int64_t>(sizes.levels.size());

  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t level_index = unit % level_count;
    const int64_t picture_head = unit / level_count;
    const int64_t picture = picture_head / sizes.heads, head = picture_head % sizes.heads;
    const Level& level = sizes.levels[level_index];
    const int64_t value_start = (picture_head * sizes.positions + level.start) * channels;
    const scalar* value = job.value + value_start;
    scalar* grad_value = job.grad_value + value_start;

    for (int64_t query = picture * sizes.queries; query < (picture + 1) * sizes.queries; ++query) {
      const int64_t query_head = query * sizes.heads + head;
      const scalar* __restrict__ grad = job.grad + query_head * channels;
      const int64_t first_sample = (query_head * level_count + level_index) * sizes.points;
      for (int64_t sample = first_sample; sample < first_sample + sizes.points; ++sample) {
        const Axis<scalar> x = ctvis::sample_axis(job.locations[2 * sample], level.width);
        const Axis<scalar> y = ctvis::sample_axis(job.locations[2 * sample + 1], level.height);
        const scalar weight = job.weights[sample];
        int64_t offset[kCorners];
        Vector products[kCorners] = {};
        scalar factor[kCorners];
        for (int corner = 0; corner < kCorners; ++corner) {
          offset[corner] = ctvis::corner_pixel(y, x, level.width, corner) * channels;
          factor[corner] = weight * ctvis::corner_weight(y, x, corner);
        }
        for (int64_t channel = 0; channel < channels; channel += kBlock) {
          for (int corner = 0; corner < kCorners; ++corner) {
            const scalar* pixel = value + offset[corner] + channel;
            scalar* grad_pixel = grad_value + offset[corner] + channel;
            for (int v = 0; v < kVectors; ++v) {
              const Vector grad_part = Channels::load(grad + channel, v);
              products[corner] += grad_part * Channels::load(pixel, v);
              Channels::store(grad_pixel, v, Channels::load(grad_pixel, v) + factor[corner] * grad_part);
            }
          }
        }
        scalar weight_sum = 0, slope_x_sum = 0, slope_y_sum = 0;
        for (int corner = 0; corner < kCorners; ++corner) {
          const scalar dot = sum_lanes<scalar, Channels::kLanes>(products[corner]);
          weight_sum += dot * ctvis::corner_weight(y, x, corner);
          slope_x_sum += dot * ctvis::corner_slope_x(y, x, corner);
          slope_y_sum += dot * ctvis::corner_slope_y(y, x, corner);
        }
        job.grad_weights[sample] = weight_sum;
        job.grad_locations[2 * sample] = weight * slope_x_sum;
        job.grad_locations[2 * sample + 1] = weight * slope_y_sum;
      }
    }
  }
}

// ---- choosing the compiled variant ------------------------------------------------------------------------------------

template <typename Job, int kBlock, typename scalar>
CTVIS_INLINE void run_range(const Job& job, const scalar*, int64_t begin, int64_t end) {
  if constexpr (std::is_same_v<Job, Forward<scalar>>) {
    forward_units<scalar, kBlock>(job, begin, end);
  } else {
    backward_units<scalar, kBlock>(job, begin, end);
  }
}

template <typename Job>
using Range = void (*)(const Job&, int64_t, int64_t);

template <typename Job, int kBlock>
void run_baseline(const Job& job, int64_t begin, int64_t end) {
  run_range<Job, kBlock>(job, job.value, begin, end);
}

#ifdef CTVIS_MULTIVERSION
template <typename Job, int kBlock>
__attribute__((target("arch=x86-64-v3"))) void run_avx2(const Job& job, int64_t begin, int64_t end) {
  run_range<Job, kBlock>(job, job.value, begin, end);
}

template <typename Job, int kBlock>
__attribute__((target("arch=x86-64-v4,prefer-vector-width=512"))) void run_avx512(const Job& job, int64_t begin, int64_t end) {
  run_range<Job, kBlock>(job, job.value, begin, end);
}
#endif

template <typename Job, int kBlock>
Range<Job> best_variant() {
#ifdef CTVIS_MULTIVERSION
  if (__builtin_cpu_supports("x86-64-v4")) return run_avx512<Job, kBlock>;
  if (__builtin_cpu_supports("x86-64-v3")) return run_avx2<Job, kBlock>;
#endif
  return run_baseline<Job, kBlock>;
}

template <typename Job>
void run(const Job& job, int64_t units, int64_t grain) {
  const int64_t channels = job.sizes.channels;
  const Range<Job> range = channels % 32 == 0   ? best_variant<Job, 32>()
                           : channels % 16 == 0 ? best_variant<Job, 16>()
                                                : best_variant<Job, 1>();
  torch::stable::parallel_for(0, units, grain, [&](int64_t begin, int64_t end) { range(job, begin, end); });
}

// ---- the op -----------------------------------------------------------------------------------------------------------

// The sizes, once it is certain that no kernel can leave the tensors' memory.
Sizes checked_sizes(
    const Tensor& value, const std::vector<int64_t>& shapes, const Tensor& locations, const Tensor& weights) {
  STD_TORCH_CHECK(
      value.dim() == 4 && locations.dim() == 6 && weights.dim() == 5 && shapes.size() % 2 == 0,
      "ms_deform_attn: value must be (N, S, M, D), sampling_locations (N, Q, M, L, P, 2) and attention_weights "
      "(N, Q, M, L, P), with two numbers in spatial_shapes for each of the L levels");
  Sizes sizes{value.size(0), value.size(1), value.size(2), value.size(3), weights.size(1), weights.size(4), {}};
  int64_t start = 0;
  for (size_t i = 0; i < shapes.size(); i += 2) {
    constexpr int64_t limit = std::numeric_limits<int32_t>::max();
    STD_TORCH_CHECK(
        shapes[i] > 0 && shapes[i + 1] > 0 && shapes[i] <= limit / shapes[i + 1] &&
            shapes[i] * shapes[i + 1] <= limit - start,
        "ms_deform_attn: level ", i / 2, " has size ", shapes[i], " x ", shapes[i + 1],
        "; every level needs at least one pixel, and all together fewer than 2^31");
    sizes.levels.push_back({static_cast<int32_t>(shapes[i]), static_cast<int32_t>(shapes[i + 1]), start});
    start += shapes[i] * shapes[i + 1];
  }
  STD_TORCH_CHECK(
      start == sizes.positions, "ms_deform_attn: value holds ", sizes.positions, " positions, but the levels add up to ", start);
  const int64_t levels = static_cast<int64_t>(sizes.levels.size());
  const std::array<int64_t, 6> expected{sizes.batch, sizes.queries, sizes.heads, levels, sizes.points, 2};
  for (int axis = 0; axis < 6; ++axis) {
    STD_TORCH_CHECK(
        locations.size(axis) == expected[axis] && (axis == 5 || weights.size(axis) == expected[axis]),
        "ms_deform_attn: sampling_locations and attention_weights must have size ", expected[axis], " in dimension ", axis,
        " to fit value and spatial_shapes");
  }
  const auto type = value.scalar_type();
  STD_TORCH_CHECK(
      (type == torch::headeronly::ScalarType::Float || type == torch::headeronly::ScalarType::Double) &&
          locations.scalar_type() == type && weights.scalar_type() == type,
      "ms_deform_attn: on the CPU all tensors must be float32, or all float64");
  return sizes;
}

template <typename scalar>
const scalar* data(const Tensor& tensor) {
  return static_cast<const scalar*>(tensor.const_data_ptr());
}

template <typename scalar>
scalar* mutable_data(const Tensor& tensor) {
  return static_cast<scalar*>(tensor.mutable_data_ptr());
}

// (N, S, M, D) <-> (N, M, S, D): a head's pixels side by side, which keeps them in the cache and in as few pages as can be.
Tensor heads_apart(const Tensor& value) {
  return torch::stable::contiguous(torch::stable::transpose(value, 1, 2));
}

Tensor forward(Tensor value, std::vector<int64_t> spatial_shapes, Tensor locations, Tensor weights) {
  const Sizes sizes = checked_sizes(value, spatial_shapes, locations, weights);
  value = heads_apart(value);
  locations = torch::stable::contiguous(locations);
  weights = torch::stable::contiguous(weights);
  Tensor output = torch::stable::new_empty(value, {sizes.batch, sizes.queries, sizes.heads * sizes.channels});

  const auto run_as = [&](auto zero) {
    using scalar = decltype(zero);
    const Forward<scalar> job{sizes, data<scalar>(value), data<scalar>(locations), data<scalar>(weights), mutable_data<scalar>(output)};
    run(job, sizes.batch * sizes.heads * sizes.queries, /*grain=*/256);
  };
  value.scalar_type() == torch::headeronly::ScalarType::Float ? run_as(float()) : run_as(double());
  return output;
}

std::tuple<Tensor, Tensor, Tensor> backward(
    Tensor grad, Tensor value, std::vector<int64_t> spatial_shapes, Tensor locations, Tensor weights) {
  const Sizes sizes = checked_sizes(value, spatial_shapes, locations, weights);
  STD_TORCH_CHECK(
      grad.dim() == 3 && grad.size(0) == sizes.batch && grad.size(1) == sizes.queries &&
          grad.size(2) == sizes.heads * sizes.channels && grad.scalar_type() == value.scalar_type(),
      "ms_deform_attn: the gradient must have the output's shape (N, Q, M*D) and dtype");
  grad = torch::stable::contiguous(grad);
  value = heads_apart(value);
  locations = torch::stable::contiguous(locations);
  weights = torch::stable::contiguous(weights);
  Tensor grad_value = torch::stable::new_zeros(value, value.sizes());  // (N, M, S, D)
  Tensor grad_locations = torch::stable::new_empty(locations, locations.sizes());
  Tensor grad_weights = torch::stable::new_empty(weights, weights.sizes());

  const auto run_as = [&](auto zero) {
    using scalar = decltype(zero);
    const Backward<scalar> job{sizes, data<scalar>(grad), data<scalar>(value), data<scalar>(locations), data<scalar>(weights),
        mutable_data<scalar>(grad_value), mutable_data<scalar>(grad_locations), mutable_data<scalar>(grad_weights)};
    run(job, sizes.batch * sizes.heads * static_cast<int64_t>(sizes.levels.size()), /*grain=*/1);
  };
  value.scalar_type() == torch::headeronly::ScalarType::Float ? run_as(float()) : run_as(double());
  return {heads_apart(grad_value), grad_locations, grad_weights};
}

}  // namespace

STABLE_TORCH_LIBRARY_IMPL(ctvis, CPU, m) {
  m.impl("ms_deform_attn", TORCH_BOX(&forward));
  m.impl("ms_deform_attn_backward", TORCH_BOX(&backward));
}

// `import engine._C` needs a module; loading the library has registered the kernels by then.
extern "C" PyObject* PyInit__C() {
  static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_C", nullptr, -1, nullptr};
  return PyModule_Create(&module);
}
