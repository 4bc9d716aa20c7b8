// SPDX-License-Identifier: Apache-2.0
//
// The op table, and what an op gets beside its operands. An op's function launches its kernels into the context's stream, which
// records: it is called once for a program, and what it launched is replayed for every run. So it decides by shapes alone;
// what index operands hold is for the kernels to read.
#pragma once

#include "backends/common/op_table.hpp"
#include "backends/cuda/memory.hpp"

namespace krait::cuda {

using plugin::Tensor;

class Context final : public plugin::KernelContext {
  public:
    explicit Context(Stream& recorder) : stream(recorder) {}
    Stream& stream;

    // Memory for the kernels that an op launches until it returns; other ops use the same.
    std::byte* scratch(uint64_t size) {
        if (scratch_.empty() || scratch_.back().size() < size)
            scratch_.emplace_back(stream.gpu(), size, MemoryKind::device, "scratch memory of a program");
        return scratch_.back().data();
    }
    std::vector<Memory> take_scratch() { return std::move(scratch_); }

  private:
    std::vector<Memory> scratch_;  // launches that are recorded already point into the older, smaller ones
};

}  // namespace krait::cuda
