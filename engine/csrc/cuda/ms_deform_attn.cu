// The kernels of kernels.h on a GPU: what a thread is there, the half types, and the launches.
// Knows CUDA but not torch, so nvcc has little to read.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "launch.h"

namespace ctvis {

template <>
struct Number<__half> {
  using wide = float;
  static CTVIS_INLINE float widen(__half number) { return __half2float(number); }
  static CTVIS_INLINE __half narrow(float number) { return __float2half_rn(number); }
};

template <>
struct Number<__nv_bfloat16> {
  using wide = float;
  static CTVIS_INLINE float widen(__nv_bfloat16 number) { return __bfloat162float(number); }
  static CTVIS_INLINE __nv_bfloat16 narrow(float number) { return __float2bfloat16_rn(number); }
};

namespace {

struct GpuThread {
  CTVIS_DEVICE Place place() const {
    return {blockIdx.x, threadIdx.y, threadIdx.x, gridDim.x, blockDim.y, blockDim.x};
  }

  template <typename wide>
  CTVIS_DEVICE wide exchange(wide number, uint32_t distance, uint32_t mask) const {
    return __shfl_xor_sync(mask, number, distance);
  }

  // nvcc turns the assignment of a vector into one store per number, so vectors are stored by name.
  template <typename scalar, int kCount>
  CTVIS_DEVICE void store(scalar* target, const Vector<scalar, kCount>& vector) const {
    if constexpr (sizeof(vector) == sizeof(uint4)) {
      uint32_t words[4];
      memcpy(words, &vector, sizeof(words));
      __stwb(reinterpret_cast<uint4*>(target), make_uint4(words[0], words[1], words[2], words[3]));
    } else {
      *target = vector.element[0];
    }
  }

  template <typename wide, int kCount>
  CTVIS_DEVICE void add(wide* target, const wide (&addend)[kCount]) const {
    for (int i = 0; i < kCount; ++i) atomicAdd(target + i, addend[i]);
  }

#if __CUDA_ARCH__ >= 900
  // Four at once where the GPU can. The target is aligned as all vectors are.
  template <int kCount>
    requires(kCount % 4 == 0)
  CTVIS_DEVICE void add(float* target, const float (&addend)[kCount]) const {
    for (int i = 0; i < kCount; i += 4) {
      atomicAdd(
          reinterpret_cast<float4*>(target + i),
          make_float4(addend[i], addend[i + 1], addend[i + 2], addend[i + 3]));
    }
  }
#endif
};

// Two blocks at once on a multiprocessor are asked for: left to itself, nvcc aims at more and spills registers for it.
template <int kVector, typename Job>
__global__ void __launch_bounds__(kThreads, 2) run(const __grid_constant__ Job job) {
  job.template run<kVector>(GpuThread());
}

template <int kVector, typename Job>
const char* launch_as(const Job& job, cudaStream_t stream) {
  const Grid grid = grid_for(job.shape.units(), job.shape.channels, kVector);
  if (grid.blocks == 0) return nullptr;
  run<kVector><<<grid.blocks, dim3(grid.lanes, grid.teams), 0, stream>>>(job);
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

template <typename Job>
const char* launch(const Job& job, void* stream) {
  constexpr int kVector = kVectorBytes / sizeof(typename Job::scalar);
  const auto cuda_stream = static_cast<cudaStream_t>(stream);
  return job.vectors_fit() ? launch_as<kVector>(job, cuda_stream) : launch_as<1>(job, cuda_stream);
}

// Calls `run_as` with a number of the type.
template <typename RunAs>
const char* with(Type type, RunAs run_as) {
  switch (type) {
    case Type::float32:
      return run_as(float());
    case Type::float64:
      return run_as(double());
    case Type::float16:
      return run_as(__half());
    default:
      return run_as(__nv_bfloat16());
  }
}

}  // namespace

const char* launch_forward(
    Type type, const Shape& shape, const void* value, const void* locations, const void* attention, void* output,
    void* stream) {
  return with(type, [&]<typename scalar>(scalar) {
    return launch(
        Forward<scalar>{
            shape, static_cast<const scalar*>(value), static_cast<const scalar*>(locations),
            static_cast<const scalar*>(attention), static_cast<scalar*>(output)},
        stream);
  });
}

const char* launch_backward(
    Type type, const Shape& shape, const void* grad, const void* value, const void* locations, const void* attention,
    void* grad_value, void* grad_locations, void* grad_attention, void* stream) {
  return with(type, [&]<typename scalar>(scalar) {
    return launch(
        Backward<scalar>{
            shape, static_cast<const scalar*>(grad), static_cast<const scalar*>(value),
            static_cast<const scalar*>(locations), static_cast<const scalar*>(attention),
            static_cast<typename Number<scalar>::wide*>(grad_value), static_cast<scalar*>(grad_locations),
            static_cast<scalar*>(grad_attention)},
        stream);
  });
}

}  // namespace ctvis
