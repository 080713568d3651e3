// Channels as vectors of the CPU: load, store and add up. Needs g++ or clang for their vector types.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include "ms_deform_attn.h"

namespace ctvis {

// Adds the upper half of the lanes to the lower half until one is left.
template <typename scalar, int kLanes, typename Vector>
CTVIS_INLINE scalar sum_lanes(Vector vector) {
  if constexpr (kLanes == 1) {
    return vector[0];
  } else {
    constexpr int kHalf = kLanes / 2;
    return [&]<int... lane>(std::integer_sequence<int, lane...>) __attribute__((always_inline)) {
      const auto lower = __builtin_shufflevector(vector, vector, lane...);
      const auto upper = __builtin_shufflevector(vector, vector, (lane + kHalf)...);
      return sum_lanes<scalar, kHalf>(lower + upper);
    }(std::make_integer_sequence<int, kHalf>());
  }
}

// Loops over channels use the compiler's vector types, since g++ 12 turns plain ones inside out. kBlock channels stay
// in registers at a time, as kVectors vectors of kBytes, the width of the machine's.
template <typename scalar, int kBlock, int kBytes>
struct Block {
  static constexpr int kLanes = std::min(kBlock, static_cast<int>(kBytes / sizeof(scalar)));
  static constexpr int kVectors = kBlock / kLanes;
  typedef scalar Vector __attribute__((vector_size(kLanes * sizeof(scalar))));

  static CTVIS_INLINE Vector load(const scalar* source, int vector) {
    Vector loaded;
    std::memcpy(&loaded, source + vector * kLanes, sizeof(loaded));
    return loaded;
  }

  // Whether all of them are numbers: what is infinite, or none, is not zero less than itself.
  static CTVIS_INLINE bool finite(const Vector (&values)[kVectors]) {
    Vector differences = {};
    for (const Vector& part : values) differences += part - part;
    return sum_lanes<scalar, kLanes>(differences) == scalar(0);
  }

  static CTVIS_INLINE void store(scalar* target, int vector, Vector values) {
    std::memcpy(target + vector * kLanes, &values, sizeof(values));
  }
};

}  // namespace ctvis
