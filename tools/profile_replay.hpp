// SPDX-License-Identifier: Apache-2.0
//
// A record of the work that a session was asked to do, for a profile that does it once more: so the text comes as fast as ever,
// and the same work is timed as it is and node by node. Only a beginning is kept: at most kMaxPromptTokens tokens of prompts
// and kMaxSteps steps of one token.
#pragma once

#include <atomic>
#include <krait/session.hpp>
#include <vector>

#include "tools/profile_options.hpp"

namespace krait::tools {

class ProfileReplay {
  public:
    static constexpr size_t kMaxPromptTokens = 4096, kMaxSteps = 64;

    struct Call {
        bool resets = false;
        std::vector<int32_t> tokens;
        krait_want want = KRAIT_WANT_LAST;
        int32_t top_k = 0;
    };

    void reset() { resets_next_ = true; }     // the sequence begins anew
    void add(const krait_batch_item& input);  // of sequence 0, which a run has read
    bool is_cut() const { return is_cut_; }   // there was more than was kept

    // Does everything as it is, then node by node, in sessions of its own, and prints and writes the profile. max_batch_tokens:
    // of the session that did it first.
    api::Status report(const api::Model& model, int32_t max_batch_tokens, const ProfileOptions& options,
                       const std::atomic<bool>& cancel) const;

  private:
    std::vector<Call> calls_;
    size_t n_prompt_token_ = 0, n_step_ = 0;
    bool resets_next_ = false, is_cut_ = false;
};

}  // namespace krait::tools
