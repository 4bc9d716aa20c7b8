// SPDX-License-Identifier: Apache-2.0
#include "tools/profile_replay.hpp"

#include <algorithm>
#include <utility>

namespace krait::tools {

void ProfileReplay::add(const SequenceInput& input) {
    const bool is_step = input.tokens.size() == 1;
    const size_t room = is_step ? kMaxSteps - n_step_ : kMaxPromptTokens - n_prompt_token_;
    const size_t count = std::min(room, input.tokens.size());
    is_cut_ = is_cut_ || count < input.tokens.size();
    if (count == 0) return;
    (is_step ? n_step_ : n_prompt_token_) += count;
    const auto tokens = input.tokens.first(count);
    calls_.push_back({std::exchange(resets_next_, false), {tokens.begin(), tokens.end()}, input.want, input.top_k});
}

Result<void> ProfileReplay::decode(Session& session, const Call& call, const std::atomic<bool>* cancel) {
    if (call.resets) KRAIT_CHECK(session.reset(0));
    return session.decode({{.sequence = 0, .tokens = call.tokens, .want = call.want, .top_k = call.top_k}}, {.cancel = cancel});
}

Result<Profile> ProfileReplay::run(const std::shared_ptr<const Model>& model, SessionOptions options, ProfileTrace* trace,
                                   const std::atomic<bool>* cancel) const {
    Profile profile(model->placement().labels());
    for (const auto runs : {ProfileRecorder::Runs::plain, ProfileRecorder::Runs::by_node}) {
        ProfileRecorder recorder(profile, runs, trace);
        options.run_observer = &recorder;
        KRAIT_TRY(Session session, Session::create(model, options));
        recorder.pause(true);  // the first run touches memory for the first time
        if (!is_empty()) KRAIT_CHECK(decode(session, calls_.front(), cancel));
        KRAIT_CHECK(session.reset(0));
        recorder.pause(false);
        for (const Call& call : calls_) KRAIT_CHECK(decode(session, call, cancel));
    }
    return profile;
}

}  // namespace krait::tools
