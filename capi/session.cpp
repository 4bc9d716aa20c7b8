// SPDX-License-Identifier: Apache-2.0
//
// include/krait/session.h: sessions, and runs of batches and chains. The other functions for a session are in sequences.cpp and
// results.cpp.
#include "capi/session.hpp"

#include <chrono>

using namespace krait;
using namespace krait::capi;

namespace {

using Clock = std::chrono::steady_clock;

// Counts a call that has succeeded.
void count(krait_session& session, size_t n_tok, Clock::time_point start) {
    ++session.n_decode;
    session.n_tok += n_tok;
    session.seconds += std::chrono::duration<double>(Clock::now() - start).count();
}

template <class Enum>
Result<uint32_t> checked(const Enum& given, uint32_t last, size_t item, const char* name) {
    const uint32_t value = number_of(given);
    if (value <= last) return value;
    return fail(ErrorCode::invalid_argument, "items[{}].{} is {}; 0 to {} exist", item, name, static_cast<int32_t>(value),
                last);
}

// Item i of an array whose elements have the size that the first one says.
Result<SequenceInput> input_of(const krait_batch_item* items, size_t i) {
    const size_t stride = items->struct_size;
    krait_batch_item item KRAIT_BATCH_ITEM_INIT;
    std::memcpy(static_cast<void*>(&item), reinterpret_cast<const std::byte*>(items) + i * stride, stride);
    if (item.struct_size != stride)
        return fail(ErrorCode::invalid_argument, "items[{}].struct_size is {}, that of items[0] {}; all are the same", i,
                    item.struct_size, stride);
    if (item.n_tok > 0) KRAIT_CHECK(expect_given(item.tokens, "tokens"));
    if (item.n_snapshot > 0) KRAIT_CHECK(expect_given(item.snapshots, "snapshots"));
    KRAIT_TRY(const uint32_t want, checked(item.want, KRAIT_WANT_TOP, i, "want"));
    KRAIT_TRY(const uint32_t hidden, checked(item.hidden, KRAIT_HIDDEN_MEAN, i, "hidden"));
    return SequenceInput{.sequence = item.sequence,
                         .tokens = {item.tokens, item.n_tok},
                         .want = static_cast<WantLogits>(want),
                         .top_k = item.top_k,
                         .snapshots = {item.snapshots, item.n_snapshot},
                         .hidden = static_cast<WantHidden>(hidden)};
}

Result<std::unique_ptr<ProfileRecorder>> recorder_of(ProfileRecord& record, const krait_model& model,
                                                     const krait_profile_runs& runs) {
    const uint32_t number = number_of(runs);
    if (number > KRAIT_PROFILE_PLAIN)
        return fail(ErrorCode::invalid_argument, "profile_runs is {}; 0 and 1 exist", static_cast<int32_t>(number));
    if (record.model.lock() != model.loaded)
        return fail(
            ErrorCode::invalid_argument,
            "the profile was made for another model, or another load of this one: a session records into one of its own");
    return std::make_unique<ProfileRecorder>(
        record.profile, number == KRAIT_PROFILE_PLAIN ? ProfileRecorder::Runs::plain : ProfileRecorder::Runs::by_node,
        record.trace ? &*record.trace : nullptr);
}

// The caller's progress callback, which may end a decode between two runs.
struct Progress {
    krait_decode_options options;
    std::atomic<bool> is_stopped{false};

    DecodeControl control() {
        if (!options.progress) return {};
        return {.cancel = &is_stopped, .progress = [this](int64_t done, int64_t total) {
                    if (options.progress(options.user, static_cast<uint64_t>(done), static_cast<uint64_t>(total)) != 0)
                        is_stopped = true;
                }};
    }
};

}  // namespace

krait_code krait_session_create(const krait_model* model, const krait_session_options* options, krait_session** out,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_CHECK(expect_loaded(model));
        KRAIT_TRY(const krait_session_options given, complete(options, krait_session_options KRAIT_SESSION_OPTIONS_INIT));
        if (given.reserved != 0) return fail(ErrorCode::invalid_argument, "reserved is {}, and has to be 0", given.reserved);
        std::shared_ptr<ProfileRecord> profile = given.profile ? given.profile->record : nullptr;
        std::unique_ptr<ProfileRecorder> recorder;
        if (profile) {
            KRAIT_TRY(recorder, recorder_of(*profile, *model, given.profile_runs));
        }
        KRAIT_TRY(Session session, Session::create(model->loaded, {.max_sequences = given.max_sequences,
                                                                   .max_batch_tokens = given.max_batch_tokens,
                                                                   .max_forks = given.max_forks,
                                                                   .max_snapshots = given.max_snapshots,
                                                                   .max_cached_tokens = given.max_cached_tokens,
                                                                   .max_sequence_tokens = given.max_sequence_tokens,
                                                                   .max_chain = given.max_chain == 0 ? 1 : given.max_chain,
                                                                   .exact_shapes = given.exact_shapes != 0,
                                                                   .run_observer = recorder.get()}));
        *out = new krait_session{std::move(profile), std::move(recorder), std::move(session)};
        return {};
    });
}

void krait_session_free(krait_session* session) { delete session; }

krait_code krait_session_decode(krait_session* session, const krait_batch_item* items, size_t n_item,
                                const krait_decode_options* options, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_TRY(const krait_decode_options given, complete(options, krait_decode_options KRAIT_DECODE_OPTIONS_INIT));
        session->batch.clear();
        if (n_item > 0) {
            KRAIT_CHECK(expect_given(items, "items"));
            KRAIT_CHECK(check_size<krait_batch_item>(items->struct_size, "items[0]."));
        }
        size_t n_tok = 0;
        for (size_t i = 0; i < n_item; ++i) {
            KRAIT_TRY(session->batch.emplace_back(), input_of(items, i));
            n_tok += session->batch.back().tokens.size();
        }
        Progress progress{given};
        const auto start = Clock::now();
        KRAIT_CHECK(session->session.decode(session->batch, progress.control()));
        count(*session, n_tok, start);
        return {};
    });
}

krait_code krait_session_chain(krait_session* session, int32_t sequence, int32_t token, size_t n_tok, const int32_t* stops,
                               size_t n_stop, const krait_candidate** candidates, size_t* n_candidate, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        if (n_stop > 0) KRAIT_CHECK(expect_given(stops, "stops"));
        KRAIT_CHECK(expect_given(candidates, "candidates"));
        KRAIT_CHECK(expect_given(n_candidate, "n_candidate"));
        constexpr size_t kMax = SessionOptions::kMaxChain;
        const auto start = Clock::now();
        KRAIT_TRY(const auto found, session->session.chain({.sequence = sequence,
                                                            .token = token,
                                                            .n_tok = static_cast<int32_t>(std::min(n_tok, kMax)),
                                                            .stops = {stops, n_stop}}));
        *candidates = reinterpret_cast<const krait_candidate*>(found.data());
        *n_candidate = found.size();
        count(*session, found.size(), start);
        return {};
    });
}

krait_code krait_session_move(krait_session* session, const krait_model* model, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_loaded(model));
        if (session->profile)
            return fail(ErrorCode::unsupported,
                        "a session with a profile does not move: its times are those of one model's devices");
        return session->session.move_to(model->loaded);
    });
}

krait_code krait_session_measure(const krait_session* session, krait_session_figures* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        krait_session_figures figures KRAIT_SESSION_FIGURES_INIT;
        figures.state_bytes = session->session.state_device_bytes();
        figures.value_bytes = session->session.executor().arena_bytes();
        figures.n_program = session->session.executor().counts().n_compiled;
        figures.n_decode = session->n_decode;
        figures.n_tok = session->n_tok;
        figures.seconds = session->seconds;
        figures.n_arena = session->session.executor().counts().n_arenas;
        figures.n_bound_again = session->session.executor().counts().n_bound_again;
        return fill(out, figures);
    });
}
