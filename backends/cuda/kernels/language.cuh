// SPDX-License-Identifier: Apache-2.0
//
// The words that kernels are written in. nvcc compiles them to what the device has; a host compiler compiles the same kernels
// against host_emulation/language.hpp, which runs them on the CPU and finds what is wrong with them. Rules for kernels:
//   - nothing of CUDA's but threadIdx, blockIdx, blockDim, gridDim, float2, float4, uint2, uint4 and the words here
//   - no assumption that a warp runs in step: what lanes do together is a word, with a mask
//   - no function-static or global device state
//   - a * b + c is two roundings (both compilers are told so); fused(a, b, c) is one
//   - a launch is launch() (kernels/launch.cuh); there is no <<<>>>
#pragma once

#if defined(__CUDACC__)
#include "backends/cuda/kernels/language_cuda.cuh"
#else
#include "backends/cuda/host_emulation/language.hpp"
#endif
