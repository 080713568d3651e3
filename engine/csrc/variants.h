// A loop compiled for several generations of processor, the best that this one has chosen at run time, in torch's threads.
#pragma once

#include <torch/csrc/stable/ops.h>

#include "ms_deform_attn.h"

// One wheel must run on every x86-64: the loops are compiled for three generations of it and chosen at run time.
#if defined(__x86_64__) && defined(__linux__) && !defined(__clang__) && __GNUC__ >= 12
#define CTVIS_MULTIVERSION 1
#endif

namespace ctvis {

template <typename Job, int kBlock>
void run_baseline(const Job& job, int64_t begin, int64_t end) {
  job.template run<kBlock, 16>(begin, end);
}

#ifdef CTVIS_MULTIVERSION
template <typename Job, int kBlock>
__attribute__((target("arch=x86-64-v3"))) void run_avx2(const Job& job, int64_t begin, int64_t end) {
  job.template run<kBlock, 32>(begin, end);
}

template <typename Job, int kBlock>
__attribute__((target("arch=x86-64-v4,prefer-vector-width=512"))) void run_avx512(
    const Job& job, int64_t begin, int64_t end) {
  job.template run<kBlock, 64>(begin, end);
}
#endif

template <typename Job, int kBlock>
auto best_variant() {
#ifdef CTVIS_MULTIVERSION
  if (__builtin_cpu_supports("x86-64-v4")) return run_avx512<Job, kBlock>;
  if (__builtin_cpu_supports("x86-64-v3")) return run_avx2<Job, kBlock>;
#endif
  return run_baseline<Job, kBlock>;
}

// Runs a job's units in torch's threads, at least `grain` of them in each. Its blocks divide `channels`.
template <typename Job>
void run_parallel(const Job& job, int64_t channels, int64_t units, int64_t grain) {
  const auto run = channels % 32 == 0   ? best_variant<Job, 32>()
                   : channels % 16 == 0 ? best_variant<Job, 16>()
                                        : best_variant<Job, 1>();
  torch::stable::parallel_for(0, units, grain, [&](int64_t begin, int64_t end) { run(job, begin, end); });
}

}  // namespace ctvis
