// Where the samples of a query lie, for the CPU kernels: pixels, weights and slopes of all of them, found in one loop.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "ms_deform_attn.h"
#include "op_inputs.h"

namespace ctvis {

// The samples that some heads of one query take, located all at once in a loop that is vectorised over samples.
template <typename scalar>
class Samples {
 public:
  // Their number is rounded up to whole vectors; the samples added lie outside a level of one pixel and are not read.
  Samples(const Sizes& sizes, int64_t heads) : count_(heads * sizes.head_samples()), padded_((count_ + 15) / 16 * 16) {
    levels_.fill(std::vector<int32_t>(padded_, 1));
    for (int64_t sample = 0; sample < count_; ++sample) {
      const Level& level = sizes.levels[sample / sizes.points % sizes.levels.size()];
      levels_[0][sample] = level.height;
      levels_[1][sample] = level.width;
      levels_[2][sample] = level.start;
    }
    locations_.assign(2 * padded_, scalar(-9));
    attention_.assign(padded_, scalar(0));
    pixels_.resize(kCorners * padded_);
    factors_.resize(kCorners * padded_);
    weights_.resize(4 * padded_);
    slopes_.resize(4 * padded_);
  }

  // locations: (heads, L, P, 2) as (x, y); attention: (heads, L, P)
  CTVIS_INLINE void locate(const scalar* locations, const scalar* attention) {
    std::memcpy(locations_.data(), locations, 2 * count_ * sizeof(scalar));
    std::memcpy(attention_.data(), attention, count_ * sizeof(scalar));
    const int32_t* __restrict__ heights = levels_[0].data();
    const int32_t* __restrict__ widths = levels_[1].data();
    const int32_t* __restrict__ starts = levels_[2].data();
    const scalar* __restrict__ location = locations_.data();
    const scalar* __restrict__ factor_of_all = attention_.data();
    int32_t* __restrict__ pixels = pixels_.data();
    scalar* __restrict__ factors = factors_.data();
    scalar* __restrict__ weights = weights_.data();
    scalar* __restrict__ slopes = slopes_.data();
    const int64_t padded = padded_;
#pragma GCC ivdep
    for (int64_t s = 0; s < padded; ++s) {
      const Axis<scalar> x = sample_axis(location[2 * s], widths[s]);
      const Axis<scalar> y = sample_axis(location[2 * s + 1], heights[s]);
      for (int corner = 0; corner < kCorners; ++corner) {
        pixels[corner * padded + s] = starts[s] + corner_pixel(y, x, widths[s], corner);
        factors[corner * padded + s] = factor_of_all[s] * corner_weight(y, x, corner);
      }
      for (int cell = 0; cell < 2; ++cell) {
        weights[cell * padded + s] = x.weight[cell];
        weights[(2 + cell) * padded + s] = y.weight[cell];
        slopes[cell * padded + s] = x.slope[cell];
        slopes[(2 + cell) * padded + s] = y.slope[cell];
      }
    }
  }

  CTVIS_INLINE int64_t pixel(int64_t sample, int corner) const { return pixels_[corner * padded_ + sample]; }
  // Whether a corner lies inside its level.
  CTVIS_INLINE bool counts(int64_t sample, int corner) const { return corner_counts(y(sample), x(sample), corner); }
  // Attention times bilinear weight.
  CTVIS_INLINE scalar factor(int64_t sample, int corner) const { return factors_[corner * padded_ + sample]; }
  CTVIS_INLINE Axis<scalar> x(int64_t sample) const { return axis(sample); }
  CTVIS_INLINE Axis<scalar> y(int64_t sample) const { return axis(2 * padded_ + sample); }

 private:
  // Without the cells, which `pixel` holds.
  CTVIS_INLINE Axis<scalar> axis(int64_t first) const {
    const int64_t second = first + padded_;
    return {{}, {weights_[first], weights_[second]}, {slopes_[first], slopes_[second]}};
  }

  int64_t count_, padded_;
  std::array<std::vector<int32_t>, 3> levels_;  // height, width and start of each sample's level
  std::vector<scalar> locations_, attention_;
  std::vector<int32_t> pixels_;
  std::vector<scalar> factors_, weights_, slopes_;
};

}  // namespace ctvis
