// How many cells each two of some masks have in common, on the CPU.
//
// In: masks as bytes, 1 inside and 0 outside. Out: the counts. 64 cells are compared at a time, as bits of a word, and of
// each two masks only the words between the first and the last that both have something in.
// Letters: N masks, W words of a mask.
#include "op_inputs.h"
#include "variants.h"

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

constexpr int kCells = 64, kByte = 8;  // cells of a word and of a byte of it
constexpr uint64_t kGather = 0x0102040810204080;  // brings the lowest bits of eight bytes together in the highest byte

// [first, end) of the words of a mask that are not empty.
struct Span {
  int64_t first, end;
};

struct Pack {
  const uint8_t* inside;  // (N, cells)
  int64_t cells, width;   // W
  uint64_t* words;        // (N, W)
  Span* spans;            // (N)

  template <int kBlock, int kBytes>
  CTVIS_INLINE void run(int64_t begin, int64_t end) const {
    for (int64_t mask = begin; mask < end; ++mask) {
      Span span{width, 0};
      for (int64_t place = 0; place < width; ++place) {
        const uint8_t* const from = inside + mask * cells + place * kCells;
        uint8_t last[kCells] = {};
        const bool whole = (place + 1) * kCells <= cells;
        if (!whole) std::memcpy(last, from, cells - place * kCells);
        const uint64_t word = packed(whole ? from : last);
        words[mask * width + place] = word;
        if (word) span = {std::min(span.first, place), place + 1};
      }
      spans[mask] = span;
    }
  }

  static CTVIS_INLINE uint64_t packed(const uint8_t* from) {
    uint64_t word = 0;
    for (int place = 0; place < kCells; place += kByte) {
      uint64_t bytes;
      std::memcpy(&bytes, from + place, kByte);
      word |= (bytes * kGather >> (kCells - kByte)) << place;
    }
    return word;
  }
};

struct Count {
  const uint64_t* words;  // (N, W)
  const Span* spans;      // (N)
  int64_t masks, width;
  int64_t* shared;  // (N, N)

  // Masks [begin, end) against themselves and all after them.
  template <int kBlock, int kBytes>
  CTVIS_INLINE void run(int64_t begin, int64_t end) const {
    for (int64_t one = begin; one < end; ++one) {
      for (int64_t other = one; other < masks; ++other) {
        const int64_t first = std::max(spans[one].first, spans[other].first);
        const int64_t last = std::min(spans[one].end, spans[other].end);
        int64_t count = 0;
#pragma GCC unroll 4
        for (int64_t place = first; place < last; ++place) {
          count += __builtin_popcountll(words[one * width + place] & words[other * width + place]);
        }
        shared[one * masks + other] = shared[other * masks + one] = count;
      }
    }
  }
};

Tensor shared_cells(Tensor inside) {
  STD_TORCH_CHECK(inside.scalar_type() == ScalarType::Bool && inside.dim() == 2, "shared_cells: masks must be (N, cells) bool");
  inside = torch::stable::contiguous(inside);
  const int64_t masks = inside.size(0), cells = inside.size(1), width = (cells + kCells - 1) / kCells;
  std::vector<uint64_t> words(masks * width);
  std::vector<Span> spans(masks);
  Tensor shared = torch::stable::new_empty(inside, {masks, masks}, ScalarType::Long);
  const Pack pack{static_cast<const uint8_t*>(inside.const_data_ptr()), cells, width, words.data(), spans.data()};
  ctvis::run_parallel(pack, 1, masks, /*grain=*/8);
  const Count count{words.data(), spans.data(), masks, width, ctvis::mutable_data<int64_t>(shared)};
  ctvis::run_parallel(count, 1, masks, /*grain=*/8);
  return shared;
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(ctvis, m) {
  m.def("shared_cells(Tensor inside) -> Tensor");  // (N, cells) bool -> (N, N) int64
}

STABLE_TORCH_LIBRARY_IMPL(ctvis, CPU, m) {
  m.impl("shared_cells", TORCH_BOX(&shared_cells));
}
