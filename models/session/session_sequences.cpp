// SPDX-License-Identifier: Apache-2.0
//
// Session: what is done with sequences between runs: forks, snapshots, positions. Slots change hands; nothing is computed, and
// copied only where forks go on and there are no free slots for all of them.
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "core/base/scope_exit.hpp"
#include "models/memory/state_file.hpp"
#include "models/session/session.hpp"

namespace krait {
namespace {

std::string places(std::span<const Snapshot> snapshots) {
    if (snapshots.empty()) return "it has no snapshots";
    std::vector<size_t> counts;
    for (const Snapshot& snapshot : snapshots) counts.push_back(snapshot.n_tok);
    return fmt::format("it has {} after {}", counts.size() == 1 ? "one" : "snapshots", fmt::join(counts, ", "));
}

}  // namespace

Result<std::span<const int32_t>> Session::tokens(int32_t sequence) const {
    KRAIT_CHECK(check_sequence(sequence));
    return std::span<const int32_t>(at(sequence).tokens);
}

Result<void> Session::reset(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    at(sequence) = {};
    return {};
}

Result<void> Session::fork(int32_t from, int32_t to) {
    KRAIT_CHECK(check_sequence(from));
    KRAIT_CHECK(check_sequence(to));
    if (from == to) return {};
    if (at(from).broken)
        return fail(ErrorCode::invalid_argument, "sequence {} was interrupted by an error of its device; it cannot be forked",
                    from);
    const Sequence& source = at(from);
    Sequence copy{.state = source.state.share(), .position = source.position, .tokens = source.tokens, .snapshots = {}};
    copy.snapshots.reserve(source.snapshots.size());
    for (const Snapshot& snapshot : source.snapshots) copy.snapshots.push_back(snapshot.share());
    at(to) = std::move(copy);
    return {};
}

Result<void> Session::take_own_states(std::span<const SequenceInput> batch) {
    const auto is_shared = [&](const SequenceInput& input) { return at(input.sequence).state.slot.is_shared(); };
    size_t n_shared = 0, n_new = 0;
    for (const SequenceInput& input : batch) {
        n_shared += is_shared(input);
        n_new += !at(input.sequence).state + input.snapshots.size();
    }
    if (n_shared == 0 || n_shared + n_new <= memory_.slots()->n_free()) return {};

    // The last of those that share a slot keeps it, so there is one for each.
    struct Taken {
        Sequence* sequence;
        int32_t before;
    };
    std::vector<Taken> taken;
    bool done = false;
    const ScopeExit as_it_was([&] {
        if (done) return;
        for (const auto& [sequence, before] : taken) sequence->state.slot = memory_.slots()->share(before);
    });
    taken.reserve(n_shared);
    for (const SequenceInput& input : batch) {
        if (!is_shared(input)) continue;
        Sequence& sequence = at(input.sequence);
        KRAIT_TRY(SlotRef own, memory_.slots()->acquire());
        taken.push_back({&sequence, sequence.state.slot.slot()});
        sequence.state.slot = std::move(own);
        if (Result<void> queued = memory_.copy_slot(executor_, taken.back().before, sequence.state.slot.slot()); !queued)
            return executor_.drain(), queued;  // queues forget the error once it is told
    }
    KRAIT_CHECK(executor_.sync());
    done = true;
    return {};
}

Result<void> Session::take_pages(std::span<const SequenceInput> batch, size_t n_tok_each) {
    if (!memory_.pages()) return {};
    growths_.clear();
    for (const SequenceInput& input : batch) {
        PageList& pages = at(input.sequence).state.pages;
        const auto n_row = static_cast<int64_t>(n_tok_each > 0 ? n_tok_each : input.tokens.size());
        if (model_->architecture().has_attention() && n_row > max_sequence_tokens_ - pages.n_rows())
            return fail(ErrorCode::out_of_memory,
                        "sequence {} has {} tokens and {} more are too many: its context is {} tokens (max_sequence_tokens)",
                        input.sequence, pages.n_rows(), n_row, max_sequence_tokens_);
        growths_.push_back({&pages, n_row});
    }
    return memory_.reserve_pages(executor_, growths_);
}

Result<std::optional<int64_t>> Session::room(int32_t sequence) const {
    KRAIT_CHECK(check_sequence(sequence));
    if (!memory_.pages()) return std::nullopt;
    const PageList& pages = at(sequence).state.pages;
    const int64_t n_free = memory_.pages()->n_free() - (pages.ends_in_shared_page() ? 1 : 0);  // a copy of it comes first
    const auto n_own = static_cast<int64_t>(pages.pages().size());
    const int64_t n_page = std::min(n_own + std::max<int64_t>(n_free, 0), memory_.sizes().sequence_pages);
    if (n_free < 0 && n_own > 0) return std::optional<int64_t>(0);
    const int64_t n_row = std::min(n_page * kRowsPerPage, max_sequence_tokens_);
    return std::optional<int64_t>(std::max<int64_t>(n_row - pages.n_rows(), 0));
}

void Session::drop_reserved_pages(std::span<const SequenceInput> batch) noexcept {
    if (!memory_.pages()) return;
    for (const SequenceInput& input : batch) at(input.sequence).state.pages.drop_reserved();
}

Result<void> Session::keep(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    for (Sequence& other : sequences_)
        if (&other != &at(sequence)) other = {};
    return {};
}

Result<void> Session::check_free_snapshots(size_t n_snapshot) const {
    const int32_t max = options_.max_snapshots, in_use = memory_.slots()->n_snapshots();
    if (n_snapshot <= static_cast<size_t>(max - in_use)) return {};
    return fail(ErrorCode::invalid_argument, "{} more snapshot{}: this session keeps at most {} (max_snapshots), {} are in use",
                n_snapshot, n_snapshot == 1 ? "" : "s", max, in_use);
}

Result<Snapshot> Session::capture(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    const Sequence& source = at(sequence);
    if (source.broken)
        return fail(ErrorCode::invalid_argument,
                    "sequence {} was interrupted by an error of its device; there is no state to keep", sequence);
    if (source.tokens.empty())
        return fail(ErrorCode::invalid_argument, "sequence {} has no tokens: its beginning needs no snapshot", sequence);
    if (!memory_.slots()->has_snapshot(source.state.slot.slot())) KRAIT_CHECK(check_free_snapshots(1));
    return Snapshot{source.tokens.size(), source.position, source.state.share_as_snapshot()};
}

Result<void> Session::snapshot(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    std::vector<Snapshot>& known = at(sequence).snapshots;
    if (!at(sequence).broken && !known.empty() && known.back().n_tok == at(sequence).tokens.size()) return {};
    KRAIT_TRY(Snapshot taken, capture(sequence));
    known.push_back(std::move(taken));
    return {};
}

Result<void> Session::resume(int32_t sequence, const Snapshot& from, std::span<const int32_t> tokens) {
    KRAIT_CHECK(check_sequence(sequence));
    if (!from.state || !from.state.slot.is_of(memory_.slots()))
        return fail(ErrorCode::invalid_argument, "the snapshot is {}: sequences go on from snapshots of their own session",
                    from.state ? "one of another session" : "empty");
    if (tokens.size() != from.n_tok)
        return fail(ErrorCode::invalid_argument, "the snapshot was taken after {} tokens, {} are given", from.n_tok,
                    tokens.size());
    for (const int32_t token : tokens)
        if (token < 0 || token >= model_->shape().n_vocab)
            return fail(ErrorCode::invalid_argument, "token {} is out of range: the vocabulary has {} (0 to {})", token,
                        model_->shape().n_vocab, model_->shape().n_vocab - 1);
    Sequence resumed{.state = from.state.share(), .position = from.position, .tokens = {}, .snapshots = {}};
    resumed.tokens.assign(tokens.begin(), tokens.end());
    at(sequence) = std::move(resumed);
    return {};
}

void Session::go_back(Sequence& sequence, std::vector<Snapshot>::iterator to) {
    sequence.state = to->state.share();
    sequence.tokens.resize(to->n_tok);
    sequence.position = to->position;
    sequence.broken = false;
    sequence.snapshots.erase(to + 1, sequence.snapshots.end());
}

Result<std::vector<Snapshot>::iterator> Session::find_snapshot(int32_t sequence, size_t n_tok) {
    KRAIT_CHECK(check_sequence(sequence));
    std::vector<Snapshot>& known = at(sequence).snapshots;
    const auto found = std::find_if(known.begin(), known.end(), [&](const Snapshot& s) { return s.n_tok == n_tok; });
    if (found == known.end())
        return fail(ErrorCode::not_found, "sequence {} has no snapshot after {} tokens; {}", sequence, n_tok, places(known));
    return found;
}

Result<void> Session::rollback(int32_t sequence, size_t n_tok) {
    if (n_tok == 0) return reset(sequence);
    if (!memory_.has_slots()) return truncate(sequence, n_tok);
    KRAIT_TRY(const auto found, find_snapshot(sequence, n_tok));
    go_back(at(sequence), found);
    return {};
}

Result<void> Session::truncate(int32_t sequence, size_t n_tok) {
    KRAIT_CHECK(check_sequence(sequence));
    Sequence& target = at(sequence);
    const size_t n_now = target.tokens.size();
    if (n_tok > n_now)
        return fail(ErrorCode::not_found, "sequence {} has {} tokens: it cannot go back to {}", sequence, n_now, n_tok);
    std::vector<Snapshot>& known = target.snapshots;
    known.erase(std::find_if(known.begin(), known.end(), [&](const Snapshot& s) { return s.n_tok > n_tok; }), known.end());
    const bool is_at_snapshot = !known.empty() && known.back().n_tok == n_tok;
    target.position =
        is_at_snapshot ? known.back().position : std::max<int64_t>(target.position - static_cast<int64_t>(n_now - n_tok), 0);
    target.tokens.resize(n_tok);
    target.state.pages.truncate(static_cast<int64_t>(n_tok));
    return {};
}

Result<void> Session::drop_snapshot(int32_t sequence, size_t n_tok) {
    KRAIT_TRY(const auto found, find_snapshot(sequence, n_tok));
    at(sequence).snapshots.erase(found);
    return {};
}

Result<std::span<const Snapshot>> Session::snapshots(int32_t sequence) const {
    KRAIT_CHECK(check_sequence(sequence));
    return std::span<const Snapshot>(at(sequence).snapshots);
}

Result<int64_t> Session::position(int32_t sequence) const {
    KRAIT_CHECK(check_sequence(sequence));
    return at(sequence).position;
}

Result<void> Session::check_range(int32_t sequence, int64_t first, int64_t last) const {
    KRAIT_CHECK(check_sequence(sequence));
    if (first < 0 || (last != kEnd && last < first))
        return fail(ErrorCode::invalid_argument,
                    "positions {} to {}: a range begins at 0 or later and ends behind its begin, or at {} for all that follow",
                    first, last, kEnd);
    return {};
}

// move(position of a token) gives its new one, or an error.
template <class Move>
Result<void> Session::move_positions(int32_t sequence, int64_t first, int64_t last, Move&& move) {
    KRAIT_CHECK(check_range(sequence, first, last));
    if (model_->architecture().has_attention())
        return fail(ErrorCode::unsupported,
                    "positions of '{}' cannot be moved: its attention counts them from the sequence's first token",
                    model_->shape().architecture);
    Sequence& target = at(sequence);
    const auto is_meant = [&](size_t n_tok, int64_t next) {
        return n_tok > 0 && next - 1 >= first && (last == kEnd || next - 1 < last);
    };
    // All are looked at before one is changed.
    for (const bool change : {false, true}) {
        const auto apply = [&](size_t n_tok, int64_t& next) -> Result<void> {
            if (!is_meant(n_tok, next)) return {};
            KRAIT_TRY(const int64_t moved, move(next - 1));
            if (change) next = moved + 1;
            return {};
        };
        for (Snapshot& snapshot : target.snapshots) KRAIT_CHECK(apply(snapshot.n_tok, snapshot.position));
        KRAIT_CHECK(apply(target.tokens.size(), target.position));
    }
    return {};
}

Result<void> Session::add_to_positions(int32_t sequence, int64_t first, int64_t last, int64_t delta) {
    return move_positions(sequence, first, last, [&](int64_t position) -> Result<int64_t> {
        int64_t sum = 0;
        if (__builtin_add_overflow(position, delta, &sum) || sum < 0 || sum > kMaxPosition)
            return fail(ErrorCode::invalid_argument, "position {} of sequence {} would become {} {} {}: positions are 0 to {}",
                        position, sequence, position, delta < 0 ? "less" : "and",
                        delta < 0 ? 0 - static_cast<uint64_t>(delta) : static_cast<uint64_t>(delta), kMaxPosition);
        return sum;
    });
}

Result<void> Session::divide_positions(int32_t sequence, int64_t first, int64_t last, int64_t divisor) {
    if (divisor < 1) return fail(ErrorCode::invalid_argument, "positions divided by {}: at least 1 is possible", divisor);
    return move_positions(sequence, first, last, [&](int64_t position) -> Result<int64_t> { return position / divisor; });
}

Result<void> Session::remove(int32_t sequence, int64_t first, int64_t last) {
    KRAIT_CHECK(check_range(sequence, first, last));
    Sequence& target = at(sequence);
    const int64_t end = target.position;
    if (first >= end || first == last || (last != kEnd && last < end)) return {};
    if (first == 0) return reset(sequence);
    const auto n_tok = static_cast<int64_t>(target.tokens.size());
    if (!memory_.has_slots()) return truncate(sequence, static_cast<size_t>(std::max<int64_t>(n_tok - (end - first), 0)));
    // The latest of those there: divided positions may be equal, and tokens before the range stay.
    const auto found = std::find_if(target.snapshots.rbegin(), target.snapshots.rend(),
                                    [&](const Snapshot& s) { return s.position == first; });
    if (found == target.snapshots.rend())
        return fail(
            ErrorCode::unsupported,
            "positions {} to {} of sequence {} cannot be taken off its end: a recurrent state goes back to snapshots only, and "
            "{}",
            first, end - 1, sequence, places(target.snapshots));
    go_back(target, std::prev(found.base()));
    return {};
}

}  // namespace krait
