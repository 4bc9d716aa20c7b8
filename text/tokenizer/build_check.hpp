// SPDX-License-Identifier: Apache-2.0
//
// How the building of a tokenizer is cancelled: tables of millions of tokens take seconds. For the tokenizer's own files.
#pragma once

#include <cstdint>
#include <functional>

namespace krait {

using KeepGoing = std::function<bool()>;  // false: cancel; empty: never

// Thrown by BuildCheck, and caught by Tokenizer::create. An exception, since a comparison of std::sort has no other way out.
struct BuildCancelled {};

// Called in the inner loops of whatever builds tables, once for a token, a node or a comparison.
class BuildCheck {
  public:
    explicit BuildCheck(const KeepGoing& keep_going) : keep_going_(keep_going) {}

    void operator()() {
        if (++n_ % kInterval == 0 && keep_going_ && !keep_going_()) throw BuildCancelled{};
    }

  private:
    static constexpr uint32_t kInterval = 1 << 13;  // a step takes 10 to 500 ns: it is asked every 4 ms, or more often
    const KeepGoing& keep_going_;
    uint32_t n_ = 0;
};

}  // namespace krait
