// SPDX-License-Identifier: Apache-2.0
//
// Session: a batch as several runs at once, so that the devices of a model work side by side: while one has the later layers of
// a piece, the one before it has the next piece. Runs are booked in their order, whatever becomes of them.
#include <algorithm>

#include "models/session.hpp"

namespace krait {
namespace {

// Pieces so small that a device waits a short while only for its first and behind its last one (n - 1 of n * kPiecesPerStage),
// and so large that weights are read once for many rows.
constexpr size_t kPiecesPerStage = 4, kLeastPiece = 32;

}  // namespace

bool Session::can_pipeline(size_t n_tok) const {
    // With an executor the application's threads do all the work; an observer sees one run after the other.
    return n_stages_ > 1 && !options_.observer && !model_->has_executor() && n_tok >= 2 * kLeastPiece;
}

Result<void> Session::decode_pipelined(std::span<const SequenceInput> batch, const DecodeControl& control, size_t n_tok) {
    const size_t n_pieces = kPiecesPerStage * n_stages_;
    const size_t room =
        std::min(std::max((n_tok + n_pieces - 1) / n_pieces, kLeastPiece), static_cast<size_t>(options_.max_batch_tokens));
    const auto found = executor_.pipeline();
    if (!found) return decode_in_turn(batch, control, n_tok);  // no threads to be had: it goes on without
    graph::Pipeline& pipeline = **found;
    Result<void> ok;
    size_t done = 0, oldest = 0, n_under_way = 0;
    bool has_failed = false;
    const auto finish_oldest = [&] {
        Flight& flight = flights_[oldest];
        Result<void> ran = pipeline.wait(flight.under_way);
        // Whatever a device made of it: what builds on a run that failed has failed too.
        has_failed = has_failed || !ran;
        book(flight, batch, !has_failed);
        if (!has_failed) done += flight.n_tok;
        if (!ran && ok) ok = std::move(ran);
        oldest = (oldest + 1) % flights_.size();
        --n_under_way;
        if (ok && control.progress) control.progress(static_cast<int64_t>(done), static_cast<int64_t>(n_tok));
    };
    while (ok) {
        if (n_under_way == flights_.size()) {
            finish_oldest();
            continue;
        }
        Flight& flight = flights_[(oldest + n_under_way) % flights_.size()];
        if (!fill(flight, batch, room)) break;
        if (control.cancel && control.cancel->load(std::memory_order_relaxed)) {
            ok = fail(ErrorCode::cancelled, "cancelled");
            break;
        }
        const auto idle = [&] {
            while (n_under_way > 0) finish_oldest();
            return ok;
        };
        Result<void> ready = make_ready(flight, batch, idle);
        if (ready) ready = flight.compiled->check(flight.inputs);
        if (ready) ready = pipeline.submit(flight.under_way);
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
