// SPDX-License-Identifier: Apache-2.0
//
// Session: a batch as several runs at once, so that the devices of a model work side by side: while one has the later layers of
// a piece, the one before it has the next piece. Runs are booked in their order, whatever becomes of them.
#include <algorithm>

#include "core/base/at_end.hpp"
#include "models/session.hpp"

namespace krait {
namespace {

// Pieces so small that a device waits a short while only for its first and behind its last one (n - 1 of n * kPiecesPerStage);
// how small they may be, the model says (Model::least_piece).
constexpr size_t kPiecesPerStage = 4;

// Lengths that come again, whatever the prompt's: each is a graph of its own.
size_t rounded(size_t n) { return (n + 31) / 32 * 32; }

}  // namespace

bool Session::can_pipeline(std::span<const SequenceInput> batch) const {
    // With an executor the application's threads do all the work; an observer sees one run after the other.
    if (n_stages_ <= 1 || options_.observer || model_->has_executor()) return false;
    // Steps of many sequences stay together: a step is read weights, and pieces of it would read them again.
    size_t n_prompt = 0;
    for (const SequenceInput& input : batch) n_prompt += input.tokens.size() > 1 ? input.tokens.size() : 0;
    return n_prompt >= 2 * least_piece_;
}

bool Session::is_known(const Flight& flight) const { return executor_.is_ready(RunKey(flight.shape).text()); }

Result<void> Session::decode_pipelined(std::span<const SequenceInput> batch, const DecodeControl& control, size_t n_tok) {
    const size_t n_pieces = kPiecesPerStage * n_stages_;
    const size_t room = std::min(std::max(rounded((n_tok + n_pieces - 1) / n_pieces), least_piece_),
                                 static_cast<size_t>(options_.max_batch_tokens));
    const auto found = executor_.pipeline();
    if (!found) return decode_in_turn(batch, control, n_tok);  // no threads to be had: it goes on without
    graph::Pipeline& pipeline = **found;
    Result<void> ok;
    size_t done = 0, oldest = 0, n_under_way = 0;
    bool has_failed = false;
    const auto wait_for_oldest = [&] {
        Flight& flight = flights_[oldest];
        Result<void> ran = pipeline.wait(flight.under_way);
        oldest = (oldest + 1) % flights_.size();
        --n_under_way;
        // Whatever a device made of it: what builds on a run that failed has failed too.
        has_failed = has_failed || !ran;
        if (!ran && ok) ok = std::move(ran);
        try {
            book(flight, batch, !has_failed);
        } catch (...) {
            has_failed = true;  // those behind it did not happen either
            book(flight, batch, false);
            throw;
        }
        if (!has_failed) done += flight.n_tok;
    };
    // Whatever is thrown below (by what the application gave, or for want of memory), nothing stays under way.
    const AtEnd nothing_stays([&] {
        while (n_under_way > 0) {
            try {
                wait_for_oldest();
            } catch (...) {  // booked as failed; the first exception is the one that is told
            }
        }
    });
    const auto finish_oldest = [&] {
        wait_for_oldest();
        if (ok && control.progress) control.progress(static_cast<int64_t>(done), static_cast<int64_t>(n_tok));
    };
    while (ok) {
        if (n_under_way == flights_.size()) {
            finish_oldest();
            continue;
        }
        Flight& flight = flights_[(oldest + n_under_way) % flights_.size()];
        if (!fill(flight, batch, room)) break;
        if (control.is_cancelled()) {
            ok = fail(ErrorCode::cancelled, "cancelled");
            break;
        }
        describe(flight, batch);
        while (!is_known(flight) && n_under_way > 0) finish_oldest();
        if (!ok) break;
        Result<void> ready;
        try {
            ready = make_ready(flight);
            if (ready) ready = flight.compiled->check(flight.inputs);
            if (ready) ready = pipeline.submit(flight.under_way);
        } catch (...) {
            give_back(flight);
            throw;
        }
        if (ready) {
            ++n_under_way;
            continue;
        }
        give_back(flight);
        if (ok) ok = std::move(ready);
    }
    while (n_under_way > 0) finish_oldest();
    if (!ok && ok.error().code == ErrorCode::cancelled)
        return fail(ErrorCode::cancelled, "cancelled after {} of {} tokens", done, n_tok);
    return ok;
}

}  // namespace krait
