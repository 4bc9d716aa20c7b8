// SPDX-License-Identifier: Apache-2.0
//
// Samplers and sessions (sampler.h, session.h).
#pragma once

#include <krait/sampler.h>
#include <krait/model.hpp>
#include <type_traits>

namespace krait::api {

class Sampler {
  public:
    static Result<Sampler> create(krait_sampler_options options = KRAIT_SAMPLER_OPTIONS_INIT) {
        krait_sampler* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_sampler_create(&options, &handle, f); },
                            [&] { return Sampler(handle); });
    }
    // How many candidates it needs (Session::decode_top); 0 = all logits.
    int32_t needs() const {
        int32_t top_k = 0;
        krait_sampler_needs(get(), &top_k, nullptr);
        return top_k;
    }
    // From logits of the application's own; the token is not remembered.
    Result<int32_t> sample(std::span<const float> logits) {
        int32_t token = 0;
        return detail::call(
            [&](krait_failure* f) { return krait_sampler_sample(get(), logits.data(), logits.size(), &token, f); },
            [&] { return token; });
    }
    Status accept(std::span<const int32_t> tokens) {
        return detail::call([&](krait_failure* f) { return krait_sampler_accept(get(), tokens.data(), tokens.size(), f); },
                            [] { return Done{}; });
    }
    void reset() { krait_sampler_reset(get()); }
    Result<Sampler> clone() const {
        krait_sampler* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_sampler_clone(get(), &handle, f); },
                            [&] { return Sampler(handle); });
    }
    krait_sampler* get() const { return handle_.get(); }

  private:
    explicit Sampler(krait_sampler* handle) : handle_(handle) {}
    detail::Owner<krait_sampler, krait_sampler_free> handle_;
};

class Session {
  public:
    static Result<Session> create(const Model& model, krait_session_options options = KRAIT_SESSION_OPTIONS_INIT) {
        krait_session* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_session_create(model.get(), &options, &handle, f); },
                            [&] { return Session(handle); });
    }
    Status decode(std::span<const krait_batch_item> items) { return decode_with(items, nullptr); }
    // progress(done, total) is called after each run; false ends the call between two runs (KRAIT_CANCELLED).
    template <class Progress>
    Status decode(std::span<const krait_batch_item> items, Progress&& progress) {
        krait_decode_options options = KRAIT_DECODE_OPTIONS_INIT;
        options.progress = detail::progress_of<std::remove_reference_t<Progress>>;
        options.user = &progress;
        return decode_with(items, &options);
    }
    // One sequence goes on.
    Status decode(std::span<const int32_t> tokens, int32_t sequence = 0, krait_want want = KRAIT_WANT_LAST) {
        const krait_batch_item item = item_of(tokens, sequence, want);
        return decode(std::span(&item, 1));
    }
    // One sequence goes on; candidates() then has the most likely tokens.
    Status decode_top(std::span<const int32_t> tokens, int32_t top_k, int32_t sequence = 0) {
        krait_batch_item item = item_of(tokens, sequence, KRAIT_WANT_TOP);
        item.top_k = top_k;
        return decode(std::span(&item, 1));
    }
    // For a batch of several; snapshots, top_k and hidden are still to be said.
    static krait_batch_item item_of(std::span<const int32_t> tokens, int32_t sequence, krait_want want) {
        krait_batch_item item = KRAIT_BATCH_ITEM_INIT;
        item.sequence = sequence;
        item.want = want;
        item.tokens = tokens.data();
        item.n_tok = tokens.size();
        return item;
    }
    Result<std::span<const float>> logits(size_t item = 0, size_t row = 0) const {
        const float* values = nullptr;
        size_t n_vocab = 0;
        return detail::call([&](krait_failure* f) { return krait_session_logits(get(), item, row, &values, &n_vocab, f); },
                            [&] { return std::span<const float>(values, n_vocab); });
    }
    Result<std::span<const float>> hidden(size_t item = 0, size_t row = 0) const {
        const float* values = nullptr;
        size_t d_model = 0;
        return detail::call([&](krait_failure* f) { return krait_session_hidden(get(), item, row, &values, &d_model, f); },
                            [&] { return std::span<const float>(values, d_model); });
    }
    // ln p of tokens after a row of logits.
    Result<std::vector<double>> logprobs(std::span<const int32_t> tokens, size_t item = 0, size_t row = 0) const {
        std::vector<double> values(tokens.size());
        return detail::call(
            [&](krait_failure* f) {
                return krait_session_logprobs(get(), item, row, tokens.data(), tokens.size(), values.data(), f);
            },
            [&] { return std::move(values); });
    }
    Result<std::span<const krait_candidate>> candidates(size_t item = 0) const {
        const krait_candidate* values = nullptr;
        size_t n = 0;
        return detail::call([&](krait_failure* f) { return krait_session_candidates(get(), item, &values, &n, f); },
                            [&] { return std::span<const krait_candidate>(values, n); });
    }
    // Greedy: the n_tok most likely one after the other, up to one of stops.
    Result<std::span<const krait_candidate>> chain(int32_t token, size_t n_tok, std::span<const int32_t> stops = {},
                                                   int32_t sequence = 0) {
        const krait_candidate* values = nullptr;
        size_t n = 0;
        return detail::call(
            [&](krait_failure* f) {
                return krait_session_chain(get(), sequence, token, n_tok, stops.data(), stops.size(), &values, &n, f);
            },
            [&] { return std::span<const krait_candidate>(values, n); });
    }
    Result<int32_t> sample(Sampler& sampler, size_t item = 0) const {
        int32_t token = 0;
        return detail::call([&](krait_failure* f) { return krait_session_sample(get(), item, sampler.get(), &token, f); },
                            [&] { return token; });
    }
    Result<size_t> length(int32_t sequence = 0) const {
        size_t n_tok = 0;
        return detail::call([&](krait_failure* f) { return krait_session_length(get(), sequence, &n_tok, f); },
                            [&] { return n_tok; });
    }
    Result<uint64_t> room(int32_t sequence = 0) const {
        uint64_t n_tok = 0;
        return detail::call([&](krait_failure* f) { return krait_session_room(get(), sequence, &n_tok, f); },
                            [&] { return n_tok; });
    }
    Status reset(int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_reset(get(), sequence, f); }, [] { return Done{}; });
    }
    Status fork(int32_t from, int32_t to) {
        return detail::call([&](krait_failure* f) { return krait_session_fork(get(), from, to, f); }, [] { return Done{}; });
    }
    Status keep(int32_t sequence) {
        return detail::call([&](krait_failure* f) { return krait_session_keep(get(), sequence, f); }, [] { return Done{}; });
    }
    Status snapshot(int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_snapshot(get(), sequence, f); },
                            [] { return Done{}; });
    }
    Status rollback(size_t n_tok, int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_rollback(get(), sequence, n_tok, f); },
                            [] { return Done{}; });
    }
    Status drop_snapshot(size_t n_tok, int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_snapshot_drop(get(), sequence, n_tok, f); },
                            [] { return Done{}; });
    }
    Result<std::vector<size_t>> snapshots(int32_t sequence = 0) const {
        return detail::array<std::vector<size_t>>([&](size_t* n_tok, size_t capacity, size_t* count, krait_failure* f) {
            return krait_session_snapshots(get(), sequence, n_tok, capacity, count, f);
        });
    }
    Result<int64_t> position(int32_t sequence = 0) const {
        int64_t next = 0;
        return detail::call([&](krait_failure* f) { return krait_session_position(get(), sequence, &next, f); },
                            [&] { return next; });
    }
    Status add_to_positions(int64_t first, int64_t last, int64_t delta, int32_t sequence = 0) {
        return detail::call(
            [&](krait_failure* f) { return krait_session_positions_add(get(), sequence, first, last, delta, f); },
            [] { return Done{}; });
    }
    Status divide_positions(int64_t first, int64_t last, int64_t divisor, int32_t sequence = 0) {
        return detail::call(
            [&](krait_failure* f) { return krait_session_positions_divide(get(), sequence, first, last, divisor, f); },
            [] { return Done{}; });
    }
    Status remove(int64_t first, int64_t last, int32_t sequence = 0) {
        return detail::call([&](krait_failure* f) { return krait_session_remove(get(), sequence, first, last, f); },
                            [] { return Done{}; });
    }
    Result<std::vector<std::byte>> save(int32_t sequence = 0) {
        return detail::array<std::vector<std::byte>>([&](void* bytes, size_t capacity, size_t* size, krait_failure* f) {
            return krait_session_save(get(), sequence, bytes, capacity, size, f);
        });
    }
    Status restore(std::span<const std::byte> bytes, int32_t sequence = 0) {
        return detail::call(
            [&](krait_failure* f) { return krait_session_restore(get(), sequence, bytes.data(), bytes.size(), f); },
            [] { return Done{}; });
    }
    // The same model on other devices.
    Status move_to(const Model& model) {
        return detail::call([&](krait_failure* f) { return krait_session_move(get(), model.get(), f); }, [] { return Done{}; });
    }
    Result<krait_session_figures> measure() const {
        krait_session_figures figures = KRAIT_SESSION_FIGURES_INIT;
        return detail::call([&](krait_failure* f) { return krait_session_measure(get(), &figures, f); },
                            [&] { return figures; });
    }
    krait_session* get() const { return handle_.get(); }

  private:
    Status decode_with(std::span<const krait_batch_item> items, const krait_decode_options* options) {
        return detail::call(
            [&](krait_failure* f) { return krait_session_decode(get(), items.data(), items.size(), options, f); },
            [] { return Done{}; });
    }
    explicit Session(krait_session* handle) : handle_(handle) {}
    detail::Owner<krait_session, krait_session_free> handle_;
};

}  // namespace krait::api
