// SPDX-License-Identifier: Apache-2.0
#include "tools/profile_replay.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/profile_files.hpp"
#include "tools/result.hpp"

namespace krait::tools {
namespace {

api::Status decode(api::Session& session, const ProfileReplay::Call& call, const std::atomic<bool>& cancel) {
    if (cancel) return failure(KRAIT_CANCELLED, "cancelled");
    if (call.resets) TOOLS_CHECK(session.reset());
    krait_batch_item item = api::Session::item_of(call.tokens, 0, call.want);
    item.top_k = call.top_k;
    return session.decode(std::span(&item, 1), [&](uint64_t, uint64_t) { return !cancel; });
}

// One session as it is without a profile, then one node by node.
api::Status replay(std::span<const ProfileReplay::Call> calls, const api::Model& model, int32_t max_batch_tokens,
                   api::Profile& profile, const std::atomic<bool>& cancel) {
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_batch_tokens = max_batch_tokens;
    options.max_sequence_tokens = ProfileReplay::kMaxPromptTokens + ProfileReplay::kMaxSteps;
    options.profile = profile.get();
    for (const krait_profile_runs runs : {KRAIT_PROFILE_PLAIN, KRAIT_PROFILE_NODES}) {
        options.profile_runs = runs;
        TOOLS_TRY(api::Session session, api::Session::create(model, options));
        profile.pause(true);  // the first run touches memory for the first time
        if (!calls.empty()) TOOLS_CHECK(decode(session, calls.front(), cancel));
        TOOLS_CHECK(session.reset());
        profile.pause(false);
        for (const ProfileReplay::Call& call : calls) TOOLS_CHECK(decode(session, call, cancel));
    }
    return api::Done{};
}

}  // namespace

void ProfileReplay::add(const krait_batch_item& input) {
    const bool is_step = input.n_tok == 1;
    const size_t room = is_step ? kMaxSteps - n_step_ : kMaxPromptTokens - n_prompt_token_;
    const size_t count = std::min(room, input.n_tok);
    is_cut_ = is_cut_ || count < input.n_tok;
    if (count == 0) return;
    (is_step ? n_step_ : n_prompt_token_) += count;
    calls_.push_back({std::exchange(resets_next_, false), {input.tokens, input.tokens + count}, input.want, input.top_k});
}

api::Status ProfileReplay::report(const api::Model& model, int32_t max_batch_tokens, const ProfileOptions& options,
                                  const std::atomic<bool>& cancel) const {
    TOOLS_TRY(api::Profile profile, api::Profile::create(model, max_events_of(options)));
    TOOLS_CHECK(replay(calls_, model, max_batch_tokens, profile, cancel));
    if (is_cut_)
        print_warning(fmt::format("the profile is of the beginning: {} tokens of prompts and {} steps at most",
                                  kMaxPromptTokens, kMaxSteps));
    if (!options.form.empty()) print_error("\n{}", bench::profile_text(profile, table_of(options)));
    TOOLS_CHECK(write_json(options, profile, model));
    const api::Profile* const profiles[] = {&profile};
    return write_trace(options, profiles);
}

}  // namespace krait::tools
