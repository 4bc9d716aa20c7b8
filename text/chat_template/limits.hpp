// SPDX-License-Identifier: Apache-2.0
//
// Limits of one rendering of a template. A template comes with a model from anywhere, so it may loop for ever or build
// values without end; with these limits such a template ends with an error, on a usual processor within 100 ms.
#pragma once

#include <cstddef>
#include <cstdint>

namespace krait::chat {

struct Limits {
    uint64_t steps = 500'000;             // nodes that are evaluated; each 256 bytes that are copied or compared are one more
    uint64_t bytes = uint64_t{32} << 20;  // of all values together, the output included
    uint32_t depth = 500;                 // of expressions, statements and macros inside each other
};

// Nesting of brackets, operators and statements in the source of a template; and of values that are printed or compared.
inline constexpr uint32_t kMaxNesting = 200;
inline constexpr size_t kMaxSourceBytes = size_t{4} << 20;  // of a template

// The rest of the limits. Functions that build or compare values charge it, and need not look: the interpreter ends with an
// error before its next node. Only a function whose work grows faster than its arguments asks ok() inside its loop.
class Budget {
  public:
    explicit Budget(const Limits& limits)
        : units_(limits.steps > UINT64_MAX / kUnits ? UINT64_MAX : limits.steps * kUnits), bytes_(limits.bytes) {}

    bool ok() const { return !out_of_steps_ && !out_of_bytes_; }
    bool out_of_steps() const { return out_of_steps_; }
    bool step(uint64_t n = 1) { return spend(n > UINT64_MAX / kUnits ? UINT64_MAX : n * kUnits); }
    // Bytes that are read: searched, compared, counted.
    bool work(uint64_t n) { return spend(n / 16 + 1); }
    bool can_take(int64_t n) const { return static_cast<uint64_t>(n) <= bytes_; }
    // Bytes that are allocated, and written once.
    bool take(uint64_t n) {
        if (n > bytes_) out_of_bytes_ = true;
        if (out_of_bytes_) return false;
        bytes_ -= n;
        return work(n);
    }

  private:
    static constexpr uint64_t kUnits = 16;  // of a step: so the smallest pieces of work are counted, and 256 bytes are a step
    bool spend(uint64_t n) {
        if (n > units_) out_of_steps_ = true;
        units_ -= n > units_ ? units_ : n;
        return ok();
    }
    uint64_t units_, bytes_;
    bool out_of_steps_ = false, out_of_bytes_ = false;
};

}  // namespace krait::chat
