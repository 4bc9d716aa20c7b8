// SPDX-License-Identifier: Apache-2.0
#include "models/session/session.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "capi/api.hpp"
#include "models/sampler/sampler.hpp"

using namespace krait;
using namespace krait::capi;

static_assert(sizeof(krait_candidate) == sizeof(Candidate) && offsetof(krait_candidate, token) == offsetof(Candidate, token) &&
                  std::is_standard_layout_v<Candidate>,
              "candidates are handed out as they are");

struct krait_session {
    Session session;
};

struct krait_sampler {
    Sampler sampler;
};

krait_code krait_session_create(const krait_model* model, const krait_session_options* options, krait_session** out,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_TRY(const krait_session_options given, complete(options, krait_session_options KRAIT_SESSION_OPTIONS_INIT));
        KRAIT_TRY(Session session, Session::create(model->model, {.max_sequences = given.max_sequences,
                                                                  .max_batch_tokens = given.max_batch_tokens,
                                                                  .max_forks = given.max_forks,
                                                                  .max_snapshots = given.max_snapshots,
                                                                  .max_chain = given.max_chain == 0 ? 1 : given.max_chain}));
        *out = new krait_session{std::move(session)};
        return {};
    });
}

void krait_session_free(krait_session* session) { delete session; }

krait_code krait_session_decode(krait_session* session, const krait_batch_item* items, size_t n_item, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        if (n_item > 0) KRAIT_CHECK(expect_given(items, "items"));
        std::vector<SequenceInput> batch;
        for (size_t i = 0; i < n_item; ++i) {
            const krait_batch_item& item = items[i];
            if (item.n_tok > 0) KRAIT_CHECK(expect_given(item.tokens, "tokens"));
            if (item.n_snapshot > 0) KRAIT_CHECK(expect_given(item.snapshots, "snapshots"));
            // Whatever the caller wrote there: as a krait_want it could not be looked at.
            uint32_t want = 0;
            static_assert(sizeof want == sizeof item.want);
            std::memcpy(&want, &item.want, sizeof want);
            if (want > KRAIT_WANT_TOP)
                return fail(ErrorCode::invalid_argument, "items[{}].want is {}; 0, 1, 2 and 3 exist", i,
                            static_cast<int32_t>(want));
            batch.push_back({item.sequence,
                             {item.tokens, item.n_tok},
                             static_cast<WantLogits>(want),
                             item.top_k,
                             {item.snapshots, item.n_snapshot}});
        }
        return session->session.decode(batch);
    });
}

krait_code krait_session_logits(const krait_session* session, size_t item, size_t row, const float** logits, size_t* n_vocab,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(logits, "logits"));
        KRAIT_CHECK(expect_given(n_vocab, "n_vocab"));
        const auto found = session->session.logits(item, row);
        if (found.empty()) return fail(ErrorCode::not_found, "the latest decode has no logits of item {}, row {}", item, row);
        *logits = found.data();
        *n_vocab = found.size();
        return {};
    });
}

krait_code krait_session_candidates(const krait_session* session, size_t item, const krait_candidate** candidates,
                                    size_t* n_candidate, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(candidates, "candidates"));
        KRAIT_CHECK(expect_given(n_candidate, "n_candidate"));
        const auto found = session->session.candidates(item);
        if (found.empty()) return fail(ErrorCode::not_found, "the latest decode has no candidates of item {}", item);
        *candidates = reinterpret_cast<const krait_candidate*>(found.data());
        *n_candidate = found.size();
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
        KRAIT_TRY(const auto found, session->session.chain({.sequence = sequence,
                                                            .token = token,
                                                            .n_tok = static_cast<int32_t>(std::min(n_tok, kMax)),
                                                            .stops = {stops, n_stop}}));
        *candidates = reinterpret_cast<const krait_candidate*>(found.data());
        *n_candidate = found.size();
        return {};
    });
}

krait_code krait_session_length(const krait_session* session, int32_t sequence, size_t* n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(n_tok, "n_tok"));
        KRAIT_TRY(const auto tokens, session->session.tokens(sequence));
        *n_tok = tokens.size();
        return {};
    });
}

krait_code krait_session_reset(krait_session* session, int32_t sequence, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        return session->session.reset(sequence);
    });
}

krait_code krait_session_fork(krait_session* session, int32_t from, int32_t to, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        return session->session.fork(from, to);
    });
}

krait_code krait_session_keep(krait_session* session, int32_t sequence, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        return session->session.keep(sequence);
    });
}

krait_code krait_session_snapshot(krait_session* session, int32_t sequence, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        return session->session.snapshot(sequence);
    });
}

krait_code krait_session_rollback(krait_session* session, int32_t sequence, size_t n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        return session->session.rollback(sequence, n_tok);
    });
}

krait_code krait_session_snapshot_drop(krait_session* session, int32_t sequence, size_t n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        return session->session.drop_snapshot(sequence, n_tok);
    });
}

krait_code krait_session_snapshots(const krait_session* session, int32_t sequence, size_t* n_tok, size_t capacity,
                                   size_t* n_snapshot, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(n_snapshot, "n_snapshot"));
        KRAIT_TRY(const auto snapshots, session->session.snapshots(sequence));
        std::vector<size_t> counts;
        for (const Snapshot& snapshot : snapshots) counts.push_back(snapshot.n_tok);
        return give(std::span<const size_t>(counts), n_tok, capacity, n_snapshot);
    });
}

krait_code krait_session_position(const krait_session* session, int32_t sequence, int64_t* next, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(next, "next"));
        KRAIT_TRY(*next, session->session.position(sequence));
        return {};
    });
}

krait_code krait_session_positions_add(krait_session* session, int32_t sequence, int64_t first, int64_t last, int64_t delta,
                                       krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        return session->session.add_to_positions(sequence, first, last, delta);
    });
}

krait_code krait_session_positions_divide(krait_session* session, int32_t sequence, int64_t first, int64_t last,
                                          int64_t divisor, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        return session->session.divide_positions(sequence, first, last, divisor);
    });
}

krait_code krait_session_remove(krait_session* session, int32_t sequence, int64_t first, int64_t last, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        return session->session.remove(sequence, first, last);
    });
}

krait_code krait_session_save(krait_session* session, int32_t sequence, void* bytes, size_t capacity, size_t* size,
                              krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(size, "size"));
        KRAIT_TRY(const auto saved, session->session.save(sequence));
        return give(std::span(saved), static_cast<std::byte*>(bytes), capacity, size);
    });
}

krait_code krait_session_restore(krait_session* session, int32_t sequence, const void* bytes, size_t size,
                                 krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        if (size > 0) KRAIT_CHECK(expect_given(bytes, "bytes"));
        return session->session.restore(sequence, {static_cast<const std::byte*>(bytes), size});
    });
}

krait_code krait_session_move(krait_session* session, const krait_model* model, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(model, "model"));
        return session->session.move_to(model->model);
    });
}

krait_code krait_sampler_create(const krait_sampler_options* options, krait_sampler** out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_TRY(const krait_sampler_options given, complete(options, krait_sampler_options KRAIT_SAMPLER_OPTIONS_INIT));
        KRAIT_TRY(Sampler sampler, Sampler::create({.temperature = given.temperature,
                                                    .top_k = given.top_k,
                                                    .top_p = given.top_p,
                                                    .min_p = given.min_p,
                                                    .repetition_penalty = given.repetition_penalty,
                                                    .repetition_window = given.repetition_window,
                                                    .seed = given.seed}));
        *out = new krait_sampler{std::move(sampler)};
        return {};
    });
}

void krait_sampler_free(krait_sampler* sampler) { delete sampler; }

krait_code krait_sampler_needs(const krait_sampler* sampler, int32_t* top_k, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(sampler, "sampler"));
        KRAIT_CHECK(expect_given(top_k, "top_k"));
        *top_k = sampler->sampler.n_needed();
        return {};
    });
}

krait_code krait_session_sample(const krait_session* session, size_t item, krait_sampler* sampler, int32_t* token,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(sampler, "sampler"));
        KRAIT_CHECK(expect_given(token, "token"));
        const auto logits = session->session.logits(item);
        const auto candidates = session->session.candidates(item);
        if (logits.empty() && candidates.empty())
            return fail(ErrorCode::not_found, "the latest decode has neither logits nor candidates of item {}", item);
        const auto n_token = static_cast<size_t>(session->session.model().n_token());
        const auto chosen =
            logits.empty() ? sampler->sampler.sample(candidates, n_token) : sampler->sampler.sample(logits.first(n_token));
        if (!chosen) return tl::unexpected<Error>(chosen.error());
        *token = *chosen;
        sampler->sampler.accept(*token);
        return {};
    });
}
