// SPDX-License-Identifier: Apache-2.0
//
// The inside of the cpu backend for its tests: one table of plain functions for each instruction set it was built for.
// Tests are compiled for the plain machine and ask missing_for(level) before they call anything of a level.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/cpu/cpu_info.hpp"
#include "backends/cpu/instruction_sets.hpp"
#include "core/abi/backend_abi.h"
#include "core/tensor/dtype.hpp"

namespace krait::cpu {

class ProbedPool {
  public:
    virtual ~ProbedPool() = default;
    virtual int size() const = 0;
    using Body = std::function<void(int64_t begin, int64_t end, int worker)>;
    virtual void parallel_for(int64_t n, int64_t grain, const Body& body) = 0;
};

struct Probe {
    Level level;
    const char* name;
    int lanes;
    // out[i] = f(in[i]); n is any number: the last register is partial.
    void (*exp2_fast)(const float* in, float* out, int64_t n);
    void (*exp)(const float* in, float* out, int64_t n);
    void (*softplus)(const float* in, float* out, int64_t n);
    void (*silu)(const float* in, float* out, int64_t n);
    void (*sigmoid)(const float* in, float* out, int64_t n);
    void (*gelu)(const float* in, float* out, int64_t n);
    void (*gelu_tanh)(const float* in, float* out, int64_t n);
    // out[i] = a[i] * b[i] + c[i]; n is a multiple of lanes, here and below.
    bool fuses;
    void (*fma)(const float* a, const float* b, const float* c, float* out, int64_t n);
    void (*round_even)(const float* in, float* out, int64_t n);
    // out[i] = the sum of the products of bytes 4 lanes g + 4 i + j of q, at most max (15, 127 or 255), with x[4 g + j], g
    // below 8, j below 4; where max is 255, 128 is taken off each byte of q. For n_rows (1 or rows_of_dot) rows of 32 of x.
    int rows_of_dot;
    void (*dot)(int max, int n_rows, const uint8_t* q, const int8_t* x, int32_t* out);
    // out[i] = start + w[2 i] * x[0] + w[2 i + 1] * x[1]
    void (*dot_pairs)(int32_t start, const int16_t* w, const int16_t* x, int32_t* out);
    // To int8, to int16 and to halves; halves to floats.
    void (*store_i8)(const float* in, int8_t* out, int64_t n);
    void (*store_i16)(const float* in, int16_t* out, int64_t n);
    void (*store_f16)(const float* in, uint16_t* out, int64_t n);
    void (*load_f16)(const uint16_t* in, float* out, int64_t n);
    // [lanes, lanes]
    void (*transpose)(const float* in, float* out);
    void (*swap_pairs)(const float* in, float* out);
    // out[0 .. 4): sums of the first `lanes` of a, b, c, d by sum4; out[4]: of a by sum.
    void (*sums)(const float* a, const float* b, const float* c, const float* d, float* out);
    // Elements k0 .. k0 + count of a row of F32, F16 or BF16.
    void (*unpack_plain)(DType format, const void* row, int64_t k0, int64_t count, float* out);
    // n_rows <= 16 rows of blocks packed as a panel; values [n_rows, d_in] as the panel's quants, scales and minima give
    // them, and the rows of blocks that come out of it again.
    void (*through_panel)(DType format, const void* rows, int64_t n_rows, int64_t d_in, float* values, void* restored);
    std::unique_ptr<ProbedPool> (*make_pool)(int n_threads, std::vector<int> processors);
    std::unique_ptr<ProbedPool> (*make_executor_pool)(const krait_host_executor& executor);
};

// Those that this build has, the plainest first.
std::vector<const Probe*> probes();

}  // namespace krait::cpu
