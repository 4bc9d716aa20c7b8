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

void Session::clear(Sequence& sequence) {
    if (sequence.slot >= 0) states_.release(sequence.slot);
    for (const Snapshot& snapshot : sequence.snapshots) snapshots_.drop(snapshot.slot, states_);
    sequence = {};
}

Result<void> Session::reset(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    clear(at(sequence));
    return {};
}

Result<void> Session::fork(int32_t from, int32_t to) {
    KRAIT_CHECK(check_sequence(from));
    KRAIT_CHECK(check_sequence(to));
    if (from == to) return {};
    if (at(from).broken)
        return fail(ErrorCode::invalid_argument, "sequence {} was interrupted by an error of its device; it cannot be forked",
                    from);
    Sequence copy = at(from);
    clear(at(to));
    if (copy.slot >= 0) states_.retain(copy.slot);
    for (const Snapshot& snapshot : copy.snapshots) {
        states_.retain(snapshot.slot);
        snapshots_.add(snapshot.slot);
    }
    at(to) = std::move(copy);
    return {};
}

Result<void> Session::take_own_states(std::span<const SequenceInput> batch) {
    const auto is_shared = [&](const SequenceInput& input) {
        const int32_t slot = at(input.sequence).slot;
        return slot >= 0 && states_.is_shared(slot);
    };
    size_t n_shared = 0, n_new = 0;
    for (const SequenceInput& input : batch) {
        n_shared += is_shared(input);
        n_new += (at(input.sequence).slot < 0) + input.snapshots.size();
    }
    if (n_shared == 0 || n_shared + n_new <= states_.n_free()) return {};

    // The last of those that share a slot keeps it, so there is one for each.
    struct Taken {
        Sequence* sequence;
        int32_t before;
    };
    std::vector<Taken> taken;
    bool done = false;
    const ScopeExit as_it_was([&] {
        if (done) return;
        for (const auto& [sequence, before] : taken) {
            states_.release(std::exchange(sequence->slot, before));
            states_.retain(before);
        }
    });
    taken.reserve(n_shared);
    for (const SequenceInput& input : batch) {
        if (!is_shared(input)) continue;
        Sequence& sequence = at(input.sequence);
        KRAIT_TRY(const int32_t own, states_.acquire());
        taken.push_back({&sequence, sequence.slot});
        states_.release(std::exchange(sequence.slot, own));
        if (Result<void> queued = states_.copy_slot(executor_, taken.back().before, own); !queued)
            return (void)executor_.sync(), queued;  // queues forget the error once it is told
    }
    KRAIT_CHECK(executor_.sync());
    done = true;
    return {};
}

Result<void> Session::keep(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    for (Sequence& other : sequences_)
        if (&other != &at(sequence)) clear(other);
    return {};
}

Result<void> Session::check_free_snapshots(size_t n_snapshot) const {
    const auto free = static_cast<size_t>(snapshots_.max() - snapshots_.in_use());
    if (n_snapshot <= free) return {};
    return fail(ErrorCode::invalid_argument, "{} more snapshot{}: this session keeps at most {} (max_snapshots), {} are in use",
                n_snapshot, n_snapshot == 1 ? "" : "s", snapshots_.max(), snapshots_.in_use());
}

Result<void> Session::snapshot(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    Sequence& source = at(sequence);
    if (source.broken)
        return fail(ErrorCode::invalid_argument,
                    "sequence {} was interrupted by an error of its device; there is no state to keep", sequence);
    const size_t n_tok = source.tokens.size();
    if (n_tok == 0)
        return fail(ErrorCode::invalid_argument, "sequence {} has no tokens: its beginning needs no snapshot", sequence);
    if (!source.snapshots.empty() && source.snapshots.back().n_tok == n_tok) return {};
    if (!snapshots_.has(source.slot)) KRAIT_CHECK(check_free_snapshots(1));
    source.snapshots.push_back({n_tok, source.position, source.slot});
    states_.retain(source.slot);
    snapshots_.add(source.slot);
    return {};
}

void Session::go_back(Sequence& sequence, std::vector<Snapshot>::iterator to) {
    const Snapshot target = *to;
    states_.retain(target.slot);
    if (sequence.slot >= 0) states_.release(sequence.slot);
    for (auto it = to + 1; it != sequence.snapshots.end(); ++it) snapshots_.drop(it->slot, states_);
    sequence.snapshots.erase(to + 1, sequence.snapshots.end());
    sequence.tokens.resize(target.n_tok);
    sequence.position = target.position;
    sequence.slot = sequence.planned = target.slot;
    sequence.broken = false;
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
    KRAIT_TRY(const auto found, find_snapshot(sequence, n_tok));
    go_back(at(sequence), found);
    return {};
}

Result<void> Session::drop_snapshot(int32_t sequence, size_t n_tok) {
    KRAIT_TRY(const auto found, find_snapshot(sequence, n_tok));
    snapshots_.drop(found->slot, states_);
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
