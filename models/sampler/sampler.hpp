// SPDX-License-Identifier: Apache-2.0
//
// Picks the next token from logits. The filters, in this order:
//
//   1 repetition penalty r  l > 0 ? l / r : l * r, once for every token among the last `repetition_window` accepted
//                           ones. First, for it changes what the model says, and the filters shall judge that.
//                           (N. S. Keskar et al., "CTRL", 2019, section 4.1)
//     temperature 0 ends here: the largest logit, the lowest id among equals.
//   2 top-k                 the k largest logits; at the border the lowest ids.
//                           (A. Fan, M. Lewis, Y. Dauphin, "Hierarchical Neural Story Generation", ACL 2018)
//   3 top-p                 the shortest row of most likely tokens whose probabilities, relative to what top-k left, sum
//                           to p or more. (A. Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020)
//   4 min-p                 tokens at least m times as likely as the most likely.
//                           (N. N. Minh et al., "Turning Up the Heat: Min-p Sampling", ICLR 2025)
//   5 temperature T         softmax of l / T over what is left, and one draw from it.
//
// Temperature comes last: what is cut off as implausible is the model's own judgement and does not depend on T, so a
// high T varies among plausible tokens and never lets the tail back in. The largest logit survives every filter.
//
// The same logits, options and seed give the same tokens on every machine: own generator (random.hpp), own exponential
// (portable_exp.hpp), sums in double in an order that only depends on the logits. A draw takes one random number, always;
// temperature 0 takes none.
//
// One Sampler belongs to one sequence and one thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "core/base/random.hpp"
#include "core/base/result.hpp"
#include "models/sampler/filters.hpp"

namespace krait {

struct SamplerOptions {
    float temperature = 0.8f;         // 0 = greedy
    int32_t top_k = 40;               // 0 = off
    float top_p = 0.95f;              // 1 = off
    float min_p = 0.0f;               // 0 = off
    float repetition_penalty = 1.0f;  // 1 = off; above 1 makes repetition less likely
    int32_t repetition_window = 64;   // how many tokens back; 0 = off
    uint64_t seed = 0;
};

// All that a Sampler remembers, to be stored with a session. Plain bytes; the options are not part of it.
struct SamplerState {
    static constexpr uint32_t kVersion = 1;
    static constexpr int32_t kMaxWindow = 1024;

    uint32_t version = kVersion;
    uint32_t n_recent = 0;  // valid entries of `recent`
    Random::State random{};
    std::array<int32_t, kMaxWindow> recent{};  // accepted tokens, oldest first; the rest is zero
};
static_assert(std::is_trivially_copyable_v<SamplerState> && sizeof(SamplerState) == 40 + 4 * SamplerState::kMaxWindow);

class Sampler {
  public:
    // Fails on options out of range, and names the range.
    [[nodiscard]] static Result<Sampler> create(const SamplerOptions& options);

    // The next token; it is not accepted yet. Fails on logits with a NaN or +infinity (the model's numbers broke down),
    // with no logit above -infinity, or with none at all; then no random number has been taken.
    [[nodiscard]] Result<int32_t> sample(std::span<const float> logits);

    // How many of the most likely tokens are enough to sample from; 0: all logits are needed. A device that gives no more than
    // these (WantLogits::top) spares the way of the others to the host.
    [[nodiscard]] int32_t n_needed() const;
    // The same from the n_needed() most likely of n_token, sorted (likelier): the token that all logits would have given. A NaN
    // among those that were left out is not seen. Fewer than n_needed() are an error, unless they are all that there are.
    [[nodiscard]] Result<int32_t> sample(std::span<const Candidate> top, size_t n_token);

    // Remembers a token for the repetition penalty: of the prompt too, if its words shall count.
    void accept(int32_t token);

    [[nodiscard]] const SamplerOptions& options() const { return options_; }

    // A sampler with the same options that restores this state goes on with the same tokens.
    [[nodiscard]] SamplerState state() const;
    [[nodiscard]] Result<void> restore(const SamplerState& state);
    // Back to the seed, nothing accepted.
    void reset();

  private:
    explicit Sampler(const SamplerOptions& options);
    bool penalizes() const { return options_.repetition_penalty != 1 && options_.repetition_window > 0; }
    int32_t filter_and_draw(bool sorted);  // from candidates_

    SamplerOptions options_;
    Random random_;
    std::vector<int32_t> recent_;  // a ring of at most repetition_window tokens
    size_t oldest_ = 0;            // where the next one goes once the ring is full
    // Scratch of sample(), kept to allocate once.
    std::vector<Candidate> candidates_;
    std::vector<int32_t> penalized_;
    std::vector<double> weights_;
};

}  // namespace krait
