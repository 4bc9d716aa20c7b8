// SPDX-License-Identifier: Apache-2.0
//
// Session: a batch as several micro-batches in a pipeline, so that the devices of a model compute at the same time: while one
// computes the later layers of a micro-batch, the one before it computes the next micro-batch. They are committed in their
// order, also after an error.
#include <algorithm>

#include "core/base/scope_exit.hpp"
#include "models/session/session.hpp"

namespace krait {
namespace {

// Micro-batches for each device. A device waits only before its first and after its last one: n - 1 of n * kChunksPerStage
// steps. Their smallest size is Model::min_chunk_rows.
constexpr size_t kChunksPerStage = 4;

}  // namespace

bool Session::can_pipeline(std::span<const SequenceInput> batch) const {
    // With an executor the application's threads do all the work; an observer sees one run after the other.
    if (n_stages_ <= 1 || options_.observer || options_.run_observer || model_->has_executor()) return false;
    // Decoding steps are not cut: a step reads all weights once, and each part of it would read them again.
    size_t n_prompt = 0;
    for (const SequenceInput& input : batch) n_prompt += input.tokens.size() > 1 ? input.tokens.size() : 0;
    return n_prompt >= 2 * min_chunk_rows_;
}

Result<void> Session::decode_pipelined(std::span<const SequenceInput> batch, const DecodeControl& control, size_t n_tok) {
    const size_t n_chunks = kChunksPerStage * n_stages_;
    // As many as a shape has: no micro-batch but the last one is padded.
    const size_t wanted = std::max((n_tok + n_chunks - 1) / n_chunks, min_chunk_rows_);
    const auto max_rows = static_cast<size_t>(shapes_.rows(static_cast<int64_t>(wanted)));
    const auto found = executor_.pipeline();
    if (!found) return decode_in_turn(batch, control, n_tok);  // no threads: without a pipeline then
    graph::Pipeline& pipeline = **found;
    Result<void> ok;
    size_t done = 0, oldest = 0, n_pending = 0;
    bool has_failed = false;
    const auto wait_for_oldest = [&] {
        MicroBatch& micro_batch = micro_batches_[oldest];
        Result<void> ran = pipeline.wait(micro_batch.pipeline_run);
        oldest = (oldest + 1) % micro_batches_.size();
        --n_pending;
        // Also where the device succeeded: a run that builds on a failed one has failed too.
        has_failed = has_failed || !ran;
        if (!ran && ok) ok = std::move(ran);
        if (has_failed) return interrupt(micro_batch);
        commit(micro_batch, batch);
        done += micro_batch.n_tok;
    };
    // Whatever is thrown below (by a callback of the application, or for lack of memory), nothing stays pending.
    const ScopeExit nothing_stays([&] {
        while (n_pending > 0) wait_for_oldest();
    });
    const auto finish_oldest = [&] {
        wait_for_oldest();
        if (ok && control.progress) control.progress(static_cast<int64_t>(done), static_cast<int64_t>(n_tok));
    };
    while (ok) {
        if (n_pending == micro_batches_.size()) {
            finish_oldest();
            continue;
        }
        MicroBatch& micro_batch = micro_batches_[(oldest + n_pending) % micro_batches_.size()];
        if (!take_tokens(micro_batch, batch, max_rows)) break;
        if (control.is_cancelled()) {
            ok = fail(ErrorCode::cancelled, "cancelled");
            break;
        }
        build_inputs(micro_batch, batch);
        while (!is_known(micro_batch) && n_pending > 0) finish_oldest();
        if (!ok) break;
        bool is_submitted = false;
        const ScopeExit or_nothing([&] {
            if (!is_submitted) micro_batch.drop_states();
        });
        Result<void> ready = prepare(micro_batch);
        if (ready) ready = micro_batch.compiled->check(micro_batch.inputs);
        if (ready) ready = pipeline.submit(micro_batch.pipeline_run);
        is_submitted = ready.has_value();
        if (is_submitted) ++n_pending;
        else ok = std::move(ready);
    }
    while (n_pending > 0) finish_oldest();
    if (!ok && ok.error().code == ErrorCode::cancelled)
        return fail(ErrorCode::cancelled, "cancelled after {} of {} tokens", done, n_tok);
    return ok;
}

}  // namespace krait
