// SPDX-License-Identifier: Apache-2.0
#include "tools/profile_replay.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "capi/api.hpp"
#include "models/session/session.hpp"
#include "tools/error.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/profile_files.hpp"

namespace krait::tools {
namespace {

Result<void> decode(Session& session, const ProfileReplay::Call& call, const std::atomic<bool>& cancel) {
    if (call.resets) KRAIT_CHECK(session.reset(0));
    return session.decode(
        {{.sequence = 0, .tokens = call.tokens, .want = static_cast<WantLogits>(call.want), .top_k = call.top_k}},
        {.cancel = &cancel});
}

Result<Profile> replay(std::span<const ProfileReplay::Call> calls, const std::shared_ptr<const Model>& model,
                       int32_t max_batch_tokens, ProfileTrace* trace, const std::atomic<bool>& cancel) {
    Profile profile(model->placement().labels());
    for (const auto runs : {ProfileRecorder::Runs::plain, ProfileRecorder::Runs::by_node}) {
        ProfileRecorder recorder(profile, runs, trace);
        KRAIT_TRY(Session session, Session::create(model, {.max_batch_tokens = max_batch_tokens, .run_observer = &recorder}));
        recorder.pause(true);  // the first run touches memory for the first time
        if (!calls.empty()) KRAIT_CHECK(decode(session, calls.front(), cancel));
        KRAIT_CHECK(session.reset(0));
        recorder.pause(false);
        for (const ProfileReplay::Call& call : calls) KRAIT_CHECK(decode(session, call, cancel));
    }
    return profile;
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
    const std::shared_ptr<const Model>& loaded = model.get()->loaded;
    const std::unique_ptr<ProfileTrace> trace = new_trace(options);
    const auto profile = replay(calls_, loaded, max_batch_tokens, trace.get(), cancel);
    if (!profile) return failure_of(profile.error());
    if (is_cut_)
        print_warning(fmt::format("the profile is of the beginning: {} tokens of prompts and {} steps at most",
                                  kMaxPromptTokens, kMaxSteps));
    if (!options.form.empty()) print_error("\n{}", bench::profile_text(*profile, table_of(options)));
    if (const auto written = write_json(options, *profile, *loaded); !written) return failure_of(written.error());
    if (const auto written = write_trace(options, trace.get(), profile->devices()); !written)
        return failure_of(written.error());
    return api::Done{};
}

}  // namespace krait::tools
