// SPDX-License-Identifier: Apache-2.0
//
// Sequences of a session: their lengths, snapshots, positions and bytes (include/krait/session.h).
#include "capi/session.hpp"

using namespace krait;
using namespace krait::capi;

krait_code krait_session_length(const krait_session* session, int32_t sequence, size_t* n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(n_tok, "n_tok"));
        KRAIT_TRY(const auto tokens, session->session.tokens(sequence));
        *n_tok = tokens.size();
        return {};
    });
}

krait_code krait_session_room(const krait_session* session, int32_t sequence, uint64_t* n_tok, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(session, "session"));
        KRAIT_CHECK(expect_given(n_tok, "n_tok"));
        KRAIT_TRY(const auto room, session->session.room(sequence));
        *n_tok = room ? static_cast<uint64_t>(*room) : UINT64_MAX;
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
