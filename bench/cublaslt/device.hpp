// SPDX-License-Identifier: Apache-2.0
//
// The CUDA device that is measured: a stream, cublasLt's handle and workspace, and memory full of numbers to multiply.
#pragma once

#include "bench/cublaslt/calls.hpp"

namespace krait::bench {

// The numbers that are multiplied; float32 sums and results for f16 and fp8 (E4M3), int32 for int8.
enum class LtType : uint8_t { f16, fp8, int8 };

struct LtDevice {
    // An error where there is no such device, or not the memory.
    static Result<LtDevice> open(int index);

    // That many bytes of random numbers of the type: finite, of either sign, f16 and fp8 between 1/2 and 1. Zeros would be
    // multiplied with less power, and faster.
    Result<Memory> numbers(LtType type, uint64_t bytes) const;

    std::string name;
    int capability = 0;  // major * 10 + minor
    uint64_t l2_bytes = 0;
    uint64_t workspace_bytes = 0;
    Stream stream;
    LtHandle handle;
    Memory workspace;
};

}  // namespace krait::bench
