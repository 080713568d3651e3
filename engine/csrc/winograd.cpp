// The two transforms around the products of a 3x3 convolution by Winograd's method, F(4x4, 3x3), on the CPU in float32.
//
// In: pixels, or products by tile. Out: tiles, or pixels. The products between, 36 of matrices, are PyTorch's, and the
// filters are spread in engine/winograd.py, which has the source. A tile is 6x6 pixels of the zero-padded picture, each 4
// further than the one before; it gives 4x4 pixels of the result.
// Letters: N pictures, H x W pixels, C channels, T tiles in rows of `across`.
#include "channel_block.h"
#include "op_inputs.h"
#include "variants.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

namespace {

using ctvis::Block;
using ctvis::data;
using ctvis::mutable_data;
using torch::headeronly::ScalarType;
using torch::stable::Tensor;

constexpr int kIn = 6, kOut = 4;
constexpr int64_t kGrain = 8;  // tiles that are worth a thread

// The points at which polynomials are taken: 0, +-kNear, +-kFar, infinity. Those of the paper, 1 and 2, lose three times
// as much to rounding. kNear * kFar is 1.
constexpr float kNear = 0.70710678f, kFar = 1.41421356f;

// Six numbers of a row or column of a tile to the six that are multiplied, in place.
template <typename Vector>
CTVIS_INLINE void spread(Vector (&d)[kIn]) {
  const Vector near_even = d[4] - 2 * d[2], near_odd = kNear * (d[3] - 2 * d[1]);
  const Vector far_even = d[4] - 0.5f * d[2], far_odd = kFar * (d[3] - 0.5f * d[1]);
  d[0] = d[0] - 2.5f * d[2] + d[4];
  d[5] = d[1] - 2.5f * d[3] + d[5];
  d[1] = near_even + near_odd;
  d[2] = near_even - near_odd;
  d[3] = far_even + far_odd;
  d[4] = far_even - far_odd;
}

// Six products to four numbers of the result, in the first four places.
template <typename Vector>
CTVIS_INLINE void gather(Vector (&m)[kIn]) {
  const Vector near_even = m[1] + m[2], near_odd = kNear * (m[1] - m[2]);
  const Vector far_even = m[3] + m[4], far_odd = kFar * (m[3] - m[4]);
  m[0] = m[0] + near_even + far_even;
  m[1] = near_odd + far_odd;
  m[2] = 0.5f * near_even + 2 * far_even;
  m[3] = 0.5f * near_odd + 2 * far_odd + m[5];
}

// Some whole rows of tiles of one picture.
struct Strip {
  int64_t height, width, channels;  // of the picture
  int64_t across, top, tiles;       // tiles in a row; the first row; tiles in all rows
};

struct Spread {
  Strip strip;
  const float* from;  // (H, W, C)
  float* to;          // (36, T, C)

  template <int kBlock, int kBytes>
  CTVIS_INLINE void run(int64_t begin, int64_t end) const {
    using Channels = Block<float, kBlock, kBytes>;
    using Vector = typename Channels::Vector;
    const auto [height, width, channels, across, top, tiles] = strip;
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t y0 = (top + tile / across) * kOut - 1, x0 = tile % across * kOut - 1;
      for (int64_t channel = 0; channel < channels; channel += Channels::kLanes) {
        Vector d[kIn][kIn];
        for (int y = 0; y < kIn; ++y) {
          for (int x = 0; x < kIn; ++x) {
            const bool inside = y0 + y >= 0 && y0 + y < height && x0 + x >= 0 && x0 + x < width;
            d[y][x] = inside ? Channels::load(from + ((y0 + y) * width + x0 + x) * channels + channel, 0) : Vector{};
          }
          spread(d[y]);
        }
        for (int x = 0; x < kIn; ++x) {
          Vector column[kIn];
          for (int y = 0; y < kIn; ++y) column[y] = d[y][x];
          spread(column);
          for (int y = 0; y < kIn; ++y) {
            Channels::store(to + ((y * kIn + x) * tiles + tile) * channels + channel, 0, column[y]);
          }
        }
      }
    }
  }
};

struct Gather {
  Strip strip;
  const float* from;  // (36, T, C)
  const float* bias;  // (C)
  bool relu;
  float* to;  // (H, W, C)

  template <int kBlock, int kBytes>
  CTVIS_INLINE void run(int64_t begin, int64_t end) const {
    using Channels = Block<float, kBlock, kBytes>;
    using Vector = typename Channels::Vector;
    const auto [height, width, channels, across, top, tiles] = strip;
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t y0 = (top + tile / across) * kOut, x0 = tile % across * kOut;
      for (int64_t channel = 0; channel < channels; channel += Channels::kLanes) {
        Vector m[kIn][kIn];
        for (int y = 0; y < kIn; ++y) {
          for (int x = 0; x < kIn; ++x) {
            m[y][x] = Channels::load(from + ((y * kIn + x) * tiles + tile) * channels + channel, 0);
          }
          gather(m[y]);
        }
        const Vector shift = Channels::load(bias + channel, 0);
        for (int x = 0; x < kOut && x0 + x < width; ++x) {
          Vector column[kIn];
          for (int y = 0; y < kIn; ++y) column[y] = m[y][x];
          gather(column);
          for (int y = 0; y < kOut && y0 + y < height; ++y) {
            Vector pixel = column[y] + shift;
            if (relu) pixel = pixel < Vector{} ? Vector{} : pixel;  // leaves what is no number
            Channels::store(to + ((y0 + y) * width + x0 + x) * channels + channel, 0, pixel);
          }
        }
      }
    }
  }
};


void check(const Tensor& tensor, int64_t dimensions) {
  STD_TORCH_CHECK(tensor.scalar_type() == ScalarType::Float && tensor.is_contiguous() && tensor.dim() == dimensions,
                  "winograd: tensors must be float32, contiguous, and of the dimensions that the schema says");
}

// Rows [top, top + rows) of the tiles of picture `number` of pixels (N, H, W, C).
Strip strip_of(const Tensor& pixels, int64_t number, int64_t top, int64_t rows) {
  check(pixels, 4);
  const int64_t height = pixels.size(1), width = pixels.size(2), across = (width + kOut - 1) / kOut;
  STD_TORCH_CHECK(number >= 0 && number < pixels.size(0) && top >= 0 && rows >= 0 &&
                      top + rows <= (height + kOut - 1) / kOut,
                  "winograd: there is no such picture, or it has no such rows of tiles");
  return {height, width, pixels.size(3), across, top, across * rows};
}

int64_t start_of(const Strip& strip, int64_t number) { return number * strip.height * strip.width * strip.channels; }

Tensor spread_tiles(Tensor pixels, int64_t number, int64_t top, int64_t rows) {
  const Strip strip = strip_of(pixels, number, top, rows);
  Tensor tiles = torch::stable::new_empty(pixels, {kIn * kIn, strip.tiles, strip.channels});
  const Spread job{strip, data<float>(pixels) + start_of(strip, number), mutable_data<float>(tiles)};
  ctvis::run_parallel(job, strip.channels, strip.tiles, kGrain);
  return tiles;
}

void gather_tiles(Tensor products, Tensor bias, bool relu, Tensor pixels, int64_t number, int64_t top, int64_t rows) {
  const Strip strip = strip_of(pixels, number, top, rows);
  check(products, 3);
  check(bias, 1);
  STD_TORCH_CHECK(products.size(0) == kIn * kIn && products.size(1) == strip.tiles &&
                      products.size(2) == strip.channels && bias.size(0) == strip.channels,
                  "winograd: products must be (36, T, C) and the bias (C), as the strip has them");
  float* const start = mutable_data<float>(pixels) + start_of(strip, number);
  const Gather job{strip, data<float>(products), data<float>(bias), relu, start};
  ctvis::run_parallel(job, strip.channels, strip.tiles, kGrain);
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(ctvis, m) {
  m.def("spread_tiles(Tensor pixels, int number, int top, int rows) -> Tensor");  // (N, H, W, C) -> (36, T, C)
  m.def("gather_tiles(Tensor products, Tensor bias, bool relu, Tensor(a!) pixels, int number, int top, int rows) -> ()");
}

STABLE_TORCH_LIBRARY_IMPL(ctvis, CPU, m) {
  m.impl("spread_tiles", TORCH_BOX(&spread_tiles));
  m.impl("gather_tiles", TORCH_BOX(&gather_tiles));
}
