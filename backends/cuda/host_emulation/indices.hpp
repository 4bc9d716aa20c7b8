// SPDX-License-Identifier: Apache-2.0
//
// threadIdx and its relatives, as the thread that runs sees them.
#pragma once

#include "backends/cuda/host_emulation/block.hpp"

namespace krait::cuda {

extern constinit thread_local emulation::Index3 threadIdx, blockIdx, blockDim, gridDim;

}  // namespace krait::cuda
