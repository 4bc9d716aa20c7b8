// SPDX-License-Identifier: Apache-2.0
//
// A record of the work that a session was asked to do, for a profile that does it once more: so the text comes as fast as ever,
// and the same work is timed as it is and node by node. Only a beginning is kept: at most kMaxPromptTokens tokens of prompts
// and kMaxSteps steps of one token.
#pragma once

#include <atomic>
#include <vector>

#include "models/profile/profile.hpp"
#include "models/session/session.hpp"

namespace krait::tools {

class ProfileReplay {
  public:
    static constexpr size_t kMaxPromptTokens = 4096, kMaxSteps = 64;

    void reset() { resets_next_ = true; }  // the sequence begins anew
    void add(const SequenceInput& input);  // of sequence 0, which a run has read
    bool is_empty() const { return calls_.empty(); }
    bool is_cut() const { return is_cut_; }  // there was more than was kept

    // In sessions of its own: everything as it is, then node by node. options: of the session that did it first.
    Result<Profile> run(const std::shared_ptr<const Model>& model, SessionOptions options, ProfileTrace* trace,
                        const std::atomic<bool>* cancel) const;

  private:
    struct Call {
        bool resets = false;
        std::vector<int32_t> tokens;
        WantLogits want = WantLogits::last;
        int32_t top_k = 0;
    };
    static Result<void> decode(Session& session, const Call& call, const std::atomic<bool>* cancel);

    std::vector<Call> calls_;
    size_t n_prompt_token_ = 0, n_step_ = 0;
    bool resets_next_ = false, is_cut_ = false;
};

}  // namespace krait::tools
