// What the op (op.cpp, compiled by the host's compiler) asks of the kernels (ms_deform_attn.cu, compiled by nvcc).
#pragma once

#include <cstdint>

#include "kernels.h"

namespace ctvis {

enum class Type { float32, float64, float16, bfloat16 };

// Tensors as in kernels.h, all dense and on the current device; grad_value is float32 for the half types, and zero.
// stream: a cudaStream_t. Both return at once, with what CUDA says went wrong, or nullptr.
const char* launch_forward(
    Type type, const Shape& shape, const void* value, const void* locations, const void* attention, void* output,
    void* stream);
const char* launch_backward(
    Type type, const Shape& shape, const void* grad, const void* value, const void* locations, const void* attention,
    void* grad_value, void* grad_locations, void* grad_attention, void* stream);

}  // namespace ctvis
