// Runs the CUDA kernels of engine/csrc/cuda/kernels.h on the host, thread by thread, for test_cuda_emulation.py.
//
// Every thread of a warp is a fibre with a stack of its own. It runs until it exchanges a number or ends; an exchange
// is carried out when all threads that its mask names have come to the same one, as on a GPU, and if one of them never
// comes the run is reported as stuck. Blocks and warps follow one another, so nothing here shows data races.
#include <ucontext.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "../../engine/csrc/cuda/kernels.h"

// As float32 with the lower half cut off, rounded to even.
struct BFloat16 {
  uint16_t bits;
};

template <>
struct ctvis::Number<_Float16> {
  using wide = float;
  static float widen(_Float16 number) { return number; }
  static _Float16 narrow(float number) { return static_cast<_Float16>(number); }
};

template <>
struct ctvis::Number<BFloat16> {
  using wide = float;
  static float widen(BFloat16 number) {
    const uint32_t bits = static_cast<uint32_t>(number.bits) << 16;
    float wide;
    std::memcpy(&wide, &bits, sizeof(wide));
    return wide;
  }
  static BFloat16 narrow(float number) {
    uint32_t bits;
    std::memcpy(&bits, &number, sizeof(bits));
    return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
  }
};

namespace {

using ctvis::Grid;
using ctvis::kWarp;
using ctvis::Place;
using ctvis::Shape;

constexpr size_t kStackBytes = 64 << 10;

class Warp {
 public:
  // program(lane) for each of the first `count` lanes. False if some wait for others that never come.
  template <typename Program>
  bool run(int count, const Program& program) {
    struct Start {
      Warp* warp;
      const Program* program;
    } start{this, &program};
    const auto begin = [](uint32_t high, uint32_t low) {
      const auto* given = reinterpret_cast<const Start*>(static_cast<uintptr_t>(high) << 32 | low);
      Warp* warp = given->warp;
      (*given->program)(warp->current_);
      warp->state_[warp->current_] = State::ended;
    };
    const auto address = reinterpret_cast<uintptr_t>(&start);
    for (int lane = 0; lane < kWarp; ++lane) state_[lane] = lane < count ? State::ready : State::ended;
    for (int lane = 0; lane < count; ++lane) {
      getcontext(&fibres_[lane]);
      fibres_[lane].uc_stack.ss_sp = &stacks_[lane * kStackBytes];
      fibres_[lane].uc_stack.ss_size = kStackBytes;
      fibres_[lane].uc_link = &scheduler_;
      makecontext(
          &fibres_[lane], reinterpret_cast<void (*)()>(+begin), 2, static_cast<uint32_t>(address >> 32),
          static_cast<uint32_t>(address));
    }
    bool any_ready = true;
    while (any_ready) {
      for (current_ = 0; current_ < count; ++current_) {
        if (state_[current_] == State::ready) swapcontext(&scheduler_, &fibres_[current_]);
      }
      any_ready = deliver();
    }
    for (int lane = 0; lane < count; ++lane) {
      if (state_[lane] != State::ended) return false;
    }
    return true;
  }

  // Called on a fibre: the number that the lane `distance` away brings, once every lane in the mask has come.
  double exchange(double number, uint32_t distance, uint32_t mask) {
    const int lane = current_;
    asked_[lane] = {number, distance, mask};
    state_[lane] = State::waiting;
    swapcontext(&fibres_[lane], &scheduler_);
    return delivered_[lane];
  }

 private:
  enum class State { ready, waiting, ended };
  struct Exchange {
    double number;
    uint32_t distance, mask;
  };

  bool met(int lane) const {
    const Exchange& asked = asked_[lane];
    if ((asked.mask >> lane & 1) == 0 || (asked.mask >> (lane ^ asked.distance) & 1) == 0) return false;
    for (int other = 0; other < kWarp; ++other) {
      const bool same = state_[other] == State::waiting && asked_[other].distance == asked.distance &&
          asked_[other].mask == asked.mask;
      if ((asked.mask >> other & 1) != 0 && !same) return false;
    }
    return true;
  }

  // Lets go of all whose exchange is complete; false if there are none.
  bool deliver() {
    bool complete[kWarp], any = false;
    for (int lane = 0; lane < kWarp; ++lane) complete[lane] = state_[lane] == State::waiting && met(lane);
    for (int lane = 0; lane < kWarp; ++lane) {
      if (!complete[lane]) continue;
      delivered_[lane] = asked_[lane ^ asked_[lane].distance].number;
      any = true;
    }
    for (int lane = 0; lane < kWarp; ++lane) {
      if (complete[lane]) state_[lane] = State::ready;
    }
    return any;
  }

  ucontext_t scheduler_, fibres_[kWarp];
  std::unique_ptr<char[]> stacks_{new char[kWarp * kStackBytes]};
  State state_[kWarp];
  Exchange asked_[kWarp];
  double delivered_[kWarp];
  int current_ = 0;
};

struct HostThread {
  Place at;
  Warp* warp;

  Place place() const { return at; }

  template <typename wide>
  wide exchange(wide number, uint32_t distance, uint32_t mask) const {
    return static_cast<wide>(warp->exchange(number, distance, mask));
  }

  template <typename scalar, int kCount>
  void store(scalar* target, const ctvis::Vector<scalar, kCount>& vector) const {
    *reinterpret_cast<ctvis::Vector<scalar, kCount>*>(target) = vector;
  }

  template <typename wide, int kCount>
  void add(wide* target, const wide (&addend)[kCount]) const {
    for (int i = 0; i < kCount; ++i) target[i] += addend[i];
  }
};

// Blocks [first, last) of the grid that the launch would have, so that a test can look at the end of a huge one.
struct Blocks {
  int64_t first, last, limit;
};

// False if it got stuck.
template <int kVector, typename Job>
bool run(const Job& job, const Blocks& blocks) {
  const Grid grid = ctvis::grid_for(job.shape.units(), job.shape.channels, kVector, blocks.limit);
  const uint32_t threads = grid.teams * grid.lanes;
  const int64_t last = blocks.last < grid.blocks ? blocks.last : grid.blocks;
  Warp warp;
  for (int64_t block = blocks.first; block < last; ++block) {
    for (uint32_t first = 0; first < threads; first += kWarp) {
      const bool ended = warp.run(threads - first < kWarp ? threads - first : kWarp, [&](int lane) {
        const uint32_t thread = first + lane;
        const Place place{static_cast<uint32_t>(block), thread / grid.lanes, thread % grid.lanes,
                          grid.blocks,                  grid.teams,           grid.lanes};
        job.template run<kVector>(HostThread{place, &warp});
      });
      if (!ended) return false;
    }
  }
  return true;
}

// 1: done with vectors, 0: done without, -1: stuck.
template <typename Job>
int run_fitting(const Job& job, const Blocks& blocks) {
  constexpr int kVector = ctvis::kVectorBytes / sizeof(typename Job::scalar);
  if (job.vectors_fit()) return run<kVector>(job, blocks) ? 1 : -1;
  return run<1>(job, blocks) ? 0 : -1;
}

template <typename RunAs>
int with(int type, RunAs run_as) {
  switch (type) {
    case 0:
      return run_as(float());
    case 1:
      return run_as(double());
    case 2:
      return run_as(_Float16());
    default:
      return run_as(BFloat16());
  }
}

}  // namespace

extern "C" int emulate_forward(
    int type, const Shape* shape, const Blocks* blocks, const void* value, const void* locations, const void* attention,
    void* output) {
  return with(type, [&]<typename scalar>(scalar) {
    const ctvis::Forward<scalar> job{
        *shape, static_cast<const scalar*>(value), static_cast<const scalar*>(locations),
        static_cast<const scalar*>(attention), static_cast<scalar*>(output)};
    return run_fitting(job, *blocks);
  });
}

extern "C" int emulate_backward(
    int type, const Shape* shape, const Blocks* blocks, const void* grad, const void* value, const void* locations,
    const void* attention, void* grad_value, void* grad_locations, void* grad_attention) {
  return with(type, [&]<typename scalar>(scalar) {
    const ctvis::Backward<scalar> job{
        *shape, static_cast<const scalar*>(grad), static_cast<const scalar*>(value),
        static_cast<const scalar*>(locations), static_cast<const scalar*>(attention),
        static_cast<typename ctvis::Number<scalar>::wide*>(grad_value), static_cast<scalar*>(grad_locations),
        static_cast<scalar*>(grad_attention)};
    return run_fitting(job, *blocks);
  });
}

// The sum over lanes alone, for a team that misses its last thread: 1 if that is noticed.
extern "C" int emulate_missing_thread(uint32_t lanes) {
  Warp warp;
  const bool ended = warp.run(kWarp, [&](int lane) {
    const Place place{0, lane / lanes, lane % lanes, 1, kWarp / lanes, lanes};
    if (lane != kWarp - 1) ctvis::sum_over_team(HostThread{place, &warp}, place, 1.0f);
  });
  return ended ? 0 : 1;
}
