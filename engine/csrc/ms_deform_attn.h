// Arithmetic of one bilinear sample, written once for host and device: plain functions of plain numbers, without
// memory and without torch.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define CTVIS_INLINE __host__ __device__ __forceinline__
#elif defined(__GNUC__)
#define CTVIS_INLINE inline __attribute__((always_inline))
#else
#define CTVIS_INLINE inline
#endif

// Plain functions on the host, for the kernels that the host runs thread by thread in the tests (cuda/kernels.h).
#if defined(__CUDACC__)
#define CTVIS_DEVICE __device__ __forceinline__
#else
#define CTVIS_DEVICE inline
#endif

namespace ctvis {

struct Level {
  int32_t height, width;
  int32_t start;  // of its first pixel within S
};

// What one axis of a sample touches: the cells `first` and `first + 1`, clamped into [0, size) so that reading them is
// always safe. A cell that lies outside has weight and slope 0, and so has a location that is NaN.
template <typename scalar>
struct Axis {
  int32_t cell[2];
  scalar weight[2];
  scalar slope[2];  // d weight / d location
};

// location: 0 and 1 are the outer edges of the level; cell i is centred at (i + 0.5) / size. size > 0.
template <typename scalar>
CTVIS_INLINE Axis<scalar> sample_axis(scalar location, int32_t size) {
  const scalar extent = static_cast<scalar>(size);
  scalar position = location * extent - scalar(0.5);
  position = position > scalar(-2) ? position : scalar(-2);  // beyond these ends both cells are outside; NaN goes to -2
  position = position < extent ? position : extent;
  const int32_t truncated = static_cast<int32_t>(position);
  const int32_t first = truncated - (position < static_cast<scalar>(truncated));  // floor, without a library call
  const scalar fraction = position - static_cast<scalar>(first);
  // As numbers and not as branches, so that a loop over samples can be vectorised.
  const int32_t first_inside = static_cast<uint32_t>(first) < static_cast<uint32_t>(size);
  const int32_t second_inside = static_cast<uint32_t>(first + 1) < static_cast<uint32_t>(size);
  const scalar first_counts = static_cast<scalar>(first_inside), second_counts = static_cast<scalar>(second_inside);
  return {
      {first * first_inside, (first + 1) * second_inside},
      {(scalar(1) - fraction) * first_counts, fraction * second_counts},
      {-extent * first_counts, extent * second_counts}};
}

// A sample reads four pixels, in the order top left, top right, bottom left, bottom right: corner c is row cell[c / 2],
// column cell[c % 2]. Pixels are numbered row by row.
constexpr int kCorners = 4;

template <typename scalar>
CTVIS_INLINE int32_t corner_pixel(const Axis<scalar>& row, const Axis<scalar>& column, int32_t width, int corner) {
  return row.cell[corner / 2] * width + column.cell[corner % 2];
}

template <typename scalar>
CTVIS_INLINE scalar corner_weight(const Axis<scalar>& row, const Axis<scalar>& column, int corner) {
  return row.weight[corner / 2] * column.weight[corner % 2];
}

// Whether a corner lies inside the level. One that does not stands for zeros, and nothing is added to it.
template <typename scalar>
CTVIS_INLINE bool corner_counts(const Axis<scalar>& row, const Axis<scalar>& column, int corner) {
  return row.slope[corner / 2] != scalar(0) && column.slope[corner % 2] != scalar(0);
}

// d corner_weight / d (x, y)
template <typename scalar>
CTVIS_INLINE scalar corner_slope_x(const Axis<scalar>& row, const Axis<scalar>& column, int corner) {
  return row.weight[corner / 2] * column.slope[corner % 2];
}

template <typename scalar>
CTVIS_INLINE scalar corner_slope_y(const Axis<scalar>& row, const Axis<scalar>& column, int corner) {
  return row.slope[corner / 2] * column.weight[corner % 2];
}

}  // namespace ctvis
