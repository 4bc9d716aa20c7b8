// SPDX-License-Identifier: Apache-2.0
//
// The intrinsics that kernels use. nvcc compiles them to instructions of the device; a host compiler compiles the same kernels
// against host_emulation/intrinsics.hpp, which runs them on the CPU and finds errors in them. Rules for kernels:
//   - nothing of CUDA's but threadIdx, blockIdx, blockDim, gridDim, float2, float4, uint2, uint4 and the intrinsics here
//   - no assumption that a warp runs in step: lanes work together by intrinsics with a mask alone
//   - no function-static or global device state
//   - a * b + c is two roundings (both compilers are told so); fused(a, b, c) is one
//   - a launch is launch() (kernels/launch.cuh); there is no <<<>>>
//   - with the option pdl a kernel may start before the kernels in front of it have ended. So every thread calls
//     wait_for_earlier_kernels() before it ends, and before that it reads no device memory but uploaded constants, and writes
//     none. let_next_kernel_start() comes right behind it: then no more than two kernels are on the device, the second one's
//     blocks take room that no block of the first wants any more, and what the second does before its wait overlaps with all of
//     the first's work
//   - no parameter is __restrict__: a compiler may take that as leave to read, or write, before the wait
#pragma once

#if defined(__CUDACC__)
#include "backends/cuda/kernels/intrinsics_cuda.cuh"
#else
#include "backends/cuda/host_emulation/intrinsics.hpp"
#endif
