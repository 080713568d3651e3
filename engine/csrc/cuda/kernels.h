// The CUDA kernels of multi-scale deformable attention, as programs of one thread.
//
// A unit is one head of one query: (n, q, m) in row-major order. A team of neighbouring threads of a warp, its lanes,
// shares a unit and deals out the vectors of its channels in turn. Forward, they never meet; backward, they add
// up what they found about a sample by exchanging numbers within the team, and add to grad_value atomically.
// Nothing here names CUDA: what a thread is and how it exchanges, adds and stores comes in as `Thread`. nvcc gets
// ms_deform_attn.cu's, the tests' host compiler one that plays all threads of a block in turn.
// Sums are kept in float32 for the half types. Every offset into a tensor is 64 bits wide.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "../ms_deform_attn.h"

namespace ctvis {

constexpr int kMaxLevels = 16;  // the table of levels travels with the kernel's arguments
constexpr int kThreads = 256;   // in a block
constexpr int kWarp = 32;
constexpr int kVectorBytes = 16;  // the widest load there is

// In what a stored number is computed with, and how it gets there and back.
template <typename scalar>
struct Number {
  using wide = scalar;
  static CTVIS_INLINE wide widen(scalar number) { return number; }
  static CTVIS_INLINE scalar narrow(wide number) { return number; }
};

template <typename scalar, int kCount>
struct alignas(kCount * sizeof(scalar)) Vector {
  scalar element[kCount];
};

template <int kCount, typename scalar>
CTVIS_INLINE Vector<scalar, kCount> load(const scalar* source) {
  return *reinterpret_cast<const Vector<scalar, kCount>*>(source);
}

struct Shape {
  int64_t batch, positions, queries;
  int32_t heads, channels, points, level_count;
  Level levels[kMaxLevels];

  CTVIS_INLINE int64_t units() const { return batch * queries * heads; }
  CTVIS_INLINE int64_t samples() const { return static_cast<int64_t>(level_count) * points; }  // of a unit
  CTVIS_INLINE int32_t row() const { return heads * channels; }  // of one position or query, over all heads
  // Where in value (N, S, M, D) the unit's head of its picture's first position lies.
  CTVIS_INLINE int64_t first_pixel(int64_t unit) const {
    const int64_t picture = unit / (queries * heads), head = unit % heads;
    return picture * positions * row() + head * channels;
  }
};

// ---- which thread does what ---------------------------------------------------------------------------------------

// A block's threads form teams of `lanes`; a team takes a unit, then the one that lies all teams of the grid further.
struct Place {
  uint32_t block, team, lane;
  uint32_t blocks, teams, lanes;

  CTVIS_INLINE int64_t first_unit() const { return static_cast<int64_t>(block) * teams + team; }
  CTVIS_INLINE int64_t unit_step() const { return static_cast<int64_t>(blocks) * teams; }
  // The threads of this team, as bits among the 32 of its warp. Teams do not straddle warps, since `lanes` divides 32.
  CTVIS_INLINE uint32_t team_mask() const {
    return (lanes == kWarp ? ~uint32_t(0) : (uint32_t(1) << lanes) - 1) << (team * lanes % kWarp);
  }
};

struct Grid {
  uint32_t blocks, teams, lanes;
};

// lanes: the power of two that gives each a vector of the unit's channels, at most a warp. No blocks for no units.
inline Grid grid_for(int64_t units, int32_t channels, int32_t vector, int64_t max_blocks = INT32_MAX) {
  uint32_t lanes = 1;
  while (lanes < kWarp && static_cast<int64_t>(lanes) * vector < channels) lanes *= 2;
  const uint32_t teams = kThreads / lanes;
  const int64_t blocks = (units + teams - 1) / teams;
  return {static_cast<uint32_t>(blocks < max_blocks ? blocks : max_blocks), teams, lanes};
}

// Whether every head's channels are whole vectors that begin where a vector may.
template <typename scalar>
bool vectors_fit(int32_t channels, std::initializer_list<const void*> tensors) {
  if (channels % (kVectorBytes / sizeof(scalar)) != 0) return false;
  for (const void* tensor : tensors) {
    if (reinterpret_cast<uintptr_t>(tensor) % kVectorBytes != 0) return false;
  }
  return true;
}

// Every lane of the team gets the sum of what they bring, by exchanges with lanes ever nearer.
template <typename wide, typename Thread>
CTVIS_DEVICE wide sum_over_team(const Thread& thread, const Place& place, wide part) {
  const uint32_t mask = place.team_mask();
  for (uint32_t distance = place.lanes / 2; distance > 0; distance /= 2) {
    part += thread.exchange(part, distance, mask);
  }
  return part;
}

// ---- forward ------------------------------------------------------------------------------------------------------

// One sample of a unit: which pixels it touches and how strongly.
template <typename wide>
struct Sample {
  Axis<wide> x, y;
  Level level;

  CTVIS_INLINE Sample(const Level& of, wide location_x, wide location_y)
      : x(sample_axis(location_x, of.width)), y(sample_axis(location_y, of.height)), level(of) {}
  CTVIS_INLINE bool counts(int corner) const { return corner_counts(y, x, corner); }
  CTVIS_INLINE wide weight(int corner) const { return corner_weight(y, x, corner); }
  // From the head's first pixel, in numbers. 32 times 32 bits into 64 is one instruction.
  CTVIS_INLINE int64_t offset(int corner, int32_t row) const {
    return static_cast<int64_t>(level.start + corner_pixel(y, x, level.width, corner)) * row;
  }
};

template <typename scalar_type>
struct Forward {
  using scalar = scalar_type;
  using wide = typename Number<scalar>::wide;

  Shape shape;
  const scalar* value;      // (N, S, M, D)
  const scalar* locations;  // (N, Q, M, L, P, 2)
  const scalar* attention;  // (N, Q, M, L, P)
  scalar* output;           // (N, Q, M, D)

  bool vectors_fit() const { return ctvis::vectors_fit<scalar>(shape.channels, {value, output}); }

  template <int kVector, typename Thread>
  CTVIS_DEVICE void run(const Thread& thread) const {
    const Place place = thread.place();
    for (int64_t unit = place.first_unit(); unit < shape.units(); unit += place.unit_step()) {
      const int64_t first_pixel = shape.first_pixel(unit);
      for (int32_t channel = place.lane * kVector; channel < shape.channels; channel += place.lanes * kVector) {
        thread.store(
            output + unit * shape.channels + channel, sum_of_samples<kVector>(unit, value + first_pixel + channel));
      }
    }
  }

  // pixels: at the channels that are summed
  template <int kVector>
  CTVIS_DEVICE Vector<scalar, kVector> sum_of_samples(int64_t unit, const scalar* pixels) const {
    wide sum[kVector] = {};
    int64_t at = unit * shape.samples();
    for (int32_t level = 0; level < shape.level_count; ++level) {
      for (int32_t point = 0; point < shape.points; ++point, ++at) {
        const Sample<wide> sample(
            shape.levels[level], Number<scalar>::widen(locations[2 * at]), Number<scalar>::widen(locations[2 * at + 1]));
        const wide factor = Number<scalar>::widen(attention[at]);
        Vector<scalar, kVector> pixel[kCorners] = {};
        for (int corner = 0; corner < kCorners; ++corner) {  // all four loads are under way before the first sum
          if (sample.counts(corner)) pixel[corner] = load<kVector>(pixels + sample.offset(corner, shape.row()));
        }
        for (int corner = 0; corner < kCorners; ++corner) {
          const wide weight = factor * sample.weight(corner);
          for (int i = 0; i < kVector; ++i) sum[i] += weight * Number<scalar>::widen(pixel[corner].element[i]);
        }
      }
    }
    Vector<scalar, kVector> result;
    for (int i = 0; i < kVector; ++i) result.element[i] = Number<scalar>::narrow(sum[i]);
    return result;
  }
};

// ---- backward -----------------------------------------------------------------------------------------------------

template <typename scalar_type>
struct Backward {
  using scalar = scalar_type;
  using wide = typename Number<scalar>::wide;

  Shape shape;
  const scalar* grad;       // (N, Q, M, D)
  const scalar* value;      // (N, S, M, D)
  const scalar* locations;  // (N, Q, M, L, P, 2)
  const scalar* attention;  // (N, Q, M, L, P)
  wide* grad_value;         // as value, all zero at first; wide since many samples add to one pixel
  scalar* grad_locations;
  scalar* grad_attention;

  bool vectors_fit() const { return ctvis::vectors_fit<scalar>(shape.channels, {grad, value, grad_value}); }

  template <int kVector, typename Thread>
  CTVIS_DEVICE void run(const Thread& thread) const {
    const Place place = thread.place();
    for (int64_t unit = place.first_unit(); unit < shape.units(); unit += place.unit_step()) {
      const int64_t first_pixel = shape.first_pixel(unit);
      int64_t at = unit * shape.samples();
      for (int32_t level = 0; level < shape.level_count; ++level) {
        for (int32_t point = 0; point < shape.points; ++point, ++at) {
          run_sample<kVector>(thread, place, shape.levels[level], unit, first_pixel, at);
        }
      }
    }
  }

  // at: the sample's place in (N, Q, M, L, P)
  template <int kVector, typename Thread>
  CTVIS_DEVICE void run_sample(
      const Thread& thread, const Place& place, const Level& level, int64_t unit, int64_t first_pixel,
      int64_t at) const {
    const Sample<wide> sample(
        level, Number<scalar>::widen(locations[2 * at]), Number<scalar>::widen(locations[2 * at + 1]));
    const wide factor = Number<scalar>::widen(attention[at]);
    wide product[kCorners] = {};  // of the gradient and the corner's pixel, over this lane's channels
    for (int32_t channel = place.lane * kVector; channel < shape.channels; channel += place.lanes * kVector) {
      const Vector<scalar, kVector> part = load<kVector>(grad + unit * shape.channels + channel);
      Vector<scalar, kVector> pixel[kCorners] = {};
      for (int corner = 0; corner < kCorners; ++corner) {
        if (sample.counts(corner)) {
          pixel[corner] = load<kVector>(value + first_pixel + channel + sample.offset(corner, shape.row()));
        }
      }
      for (int corner = 0; corner < kCorners; ++corner) {
        const wide weight = factor * sample.weight(corner);
        wide addend[kVector];
        for (int i = 0; i < kVector; ++i) {
          const wide upstream = Number<scalar>::widen(part.element[i]);
          product[corner] += upstream * Number<scalar>::widen(pixel[corner].element[i]);
          addend[i] = weight * upstream;
        }
        if (sample.counts(corner)) {
          thread.add(grad_value + first_pixel + channel + sample.offset(corner, shape.row()), addend);
        }
      }
    }
    wide by_weight = 0, by_x = 0, by_y = 0;
    for (int corner = 0; corner < kCorners; ++corner) {
      by_weight += product[corner] * sample.weight(corner);
      by_x += product[corner] * corner_slope_x(sample.y, sample.x, corner);
      by_y += product[corner] * corner_slope_y(sample.y, sample.x, corner);
    }
    by_weight = sum_over_team(thread, place, by_weight);
    by_x = sum_over_team(thread, place, by_x);
    by_y = sum_over_team(thread, place, by_y);
    if (place.lane == 0) {
      grad_attention[at] = Number<scalar>::narrow(by_weight);
      grad_locations[2 * at] = Number<scalar>::narrow(factor * by_x);
      grad_locations[2 * at + 1] = Number<scalar>::narrow(factor * by_y);
    }
  }
};

}  // namespace ctvis
