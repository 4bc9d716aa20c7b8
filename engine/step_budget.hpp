// SPDX-License-Identifier: Apache-2.0
//
// How many rows of prompts a step may have, by the times of the steps before it.
//   t(n, r) = decode(n) + c r    n answers in progress, r rows of prompts, c seconds a row
//   r       = (budget - decode(n)) / c, but no less than decode(n) / (2 c): where decoding alone takes as long as a step may,
//             prompts are read all the same, and a step takes half as long again
// decode(n) is a running mean for each power of two of n, measured in steps without prompts; c is one over steps with prompts.
// While no answer is in progress nobody waits for a token: a step takes kIdleFactor budgets, since larger runs read more rows a
// second, and no more, since new requests wait for its end.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace krait::engine {

class StepBudget {
  public:
    static constexpr int64_t kIdleFactor = 4;
    static constexpr int64_t kFirstRows = 32;  // of a prompt, while nothing has been measured
    static constexpr int64_t kMinRows = 8;

    StepBudget(double seconds, int64_t max_rows) : seconds_(seconds), max_rows_(max_rows) {}

    int64_t prompt_rows(int64_t n_decode) const {
        const int64_t room = std::max<int64_t>(max_rows_ - n_decode, 0);
        if (row_seconds_ <= 0) return std::min(kFirstRows, room);
        const double decode = decode_seconds(n_decode);
        const double left = n_decode == 0 ? seconds_ * kIdleFactor : std::max(seconds_ - decode, decode / 2);
        const double rows = std::min(left / row_seconds_, static_cast<double>(room));
        return std::min(std::max(static_cast<int64_t>(rows), kMinRows), room);
    }
    void measured(int64_t n_decode, int64_t n_prompt_rows, double seconds) {
        if (n_prompt_rows == 0) {
            if (n_decode > 0) follow(decode_[bucket(n_decode)], seconds);
            return;
        }
        const double of_prompts = std::max(seconds - decode_seconds(n_decode), seconds / 8);
        follow(row_seconds_, of_prompts / static_cast<double>(n_prompt_rows));
    }
    double row_seconds() const { return row_seconds_; }

  private:
    static constexpr double kNewest = 0.3;  // the part of a running mean that the latest has
    static size_t bucket(int64_t n) { return static_cast<size_t>(std::bit_width(static_cast<uint64_t>(n))); }
    static void follow(double& mean, double value) { mean = mean <= 0 ? value : mean + kNewest * (value - mean); }
    double decode_seconds(int64_t n) const {
        if (n == 0) return 0;
        // The next smaller number that was measured.
        for (size_t b = bucket(n); b > 0; --b)
            if (decode_[b] > 0) return decode_[b];
        return 0;
    }

    double seconds_;
    int64_t max_rows_;
    double row_seconds_ = 0;
    std::array<double, 65> decode_{};  // by bucket
};

}  // namespace krait::engine
