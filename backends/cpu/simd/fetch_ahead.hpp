// SPDX-License-Identifier: Apache-2.0
//
// Memory that is needed soon, fetched to level 2 while something else is computed. Processors fetch streams ahead by
// themselves, but a stream that pauses, since a block is read and then worked on for long, starts anew each time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace krait::cpu::KRAIT_CPU_VARIANT {

class FetchAhead {
  public:
    FetchAhead() = default;
    // All lines of `bytes` bytes by the n_steps-th step().
    FetchAhead(const std::byte* from, uint64_t bytes, int64_t n_steps)
        : from_(from),
          end_(from + bytes),
          stride_((static_cast<int64_t>(bytes) / kLine + n_steps - 1) / std::max<int64_t>(n_steps, 1) * kLine) {}

    [[gnu::always_inline]] void step() {
        const std::byte* const end = std::min(from_ + stride_, end_);
        for (; from_ < end; from_ += kLine) __builtin_prefetch(from_, 0, kLevel2);
    }

  private:
    static constexpr int64_t kLine = 64;
    static constexpr int kLevel2 = 2;
    const std::byte *from_ = nullptr, *end_ = nullptr;
    int64_t stride_ = 0;
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
