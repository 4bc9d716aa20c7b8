// SPDX-License-Identifier: Apache-2.0
//
// Ways in which the sequences of a run share its rows and the slots of a pool (core/ops/ragged.hpp), for the cases of ssm_conv
// and ssm_scan.
#pragma once

#include <algorithm>
#include <numeric>

#include "tests/harness/operand.hpp"
#include "tests/harness/random.hpp"

namespace krait::harness {

enum class Slots : uint8_t {
    in_place,  // every sequence goes on in its slot
    fresh,     // every sequence starts from zero
    forked,    // all start from one slot
    permuted,  // slots in no order with gaps between; every third sequence is fresh, every fourth goes on in its slot
    nowhere,   // no state is kept
};

inline const char* name_of(Slots slots) {
    constexpr const char* kNames[] = {"in_place", "fresh", "forked", "permuted", "nowhere"};
    return kNames[static_cast<size_t>(slots)];
}

struct RaggedLayout {
    std::vector<int32_t> start{0}, src, dst, snapshots;
    int32_t n_slots = 0;

    int64_t n_tok() const { return start.back(); }
    Operand seq_start() const { return index(start); }
    Operand src_slot() const { return index(src); }
    Operand dst_slot() const { return index(dst); }
    Operand snapshot_pairs() const { return snapshots.empty() ? Operand{} : index_pairs(snapshots); }

    // The state after `row` goes to a slot of its own; row -1: an unused pair.
    RaggedLayout snapshot(int32_t row) && {
        snapshots.insert(snapshots.end(), {row, row < 0 ? -1 : n_slots});
        n_slots += row < 0 ? 0 : 1;
        return std::move(*this);
    }
};

inline RaggedLayout ragged(const std::vector<int32_t>& lengths, Slots slots = Slots::in_place) {
    RaggedLayout layout;
    const auto n_seq = static_cast<int32_t>(lengths.size());
    std::vector<int32_t> order(2 * static_cast<size_t>(n_seq) + 5);
    std::iota(order.begin(), order.end(), 0);
    Random random(seed_of("slots", static_cast<uint64_t>(n_seq)));
    for (size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
    for (int32_t b = 0; b < n_seq; ++b) {
        layout.start.push_back(layout.start.back() + lengths[static_cast<size_t>(b)]);
        const int32_t from = order[static_cast<size_t>(b)], to = order[static_cast<size_t>(n_seq) + static_cast<size_t>(b)];
        switch (slots) {
            case Slots::in_place: layout.src.push_back(b + 1), layout.dst.push_back(b + 1); break;
            case Slots::fresh: layout.src.push_back(-1), layout.dst.push_back(b + 1); break;
            case Slots::forked: layout.src.push_back(0), layout.dst.push_back(b + 2); break;
            case Slots::permuted:
                layout.src.push_back(b % 3 == 2 ? -1 : from), layout.dst.push_back(b % 4 == 3 && b % 3 != 2 ? from : to);
                break;
            case Slots::nowhere: layout.src.push_back(b), layout.dst.push_back(-1); break;
        }
    }
    layout.n_slots = slots == Slots::permuted ? 2 * n_seq + 5 : n_seq + 3;
    return layout;
}

inline RaggedLayout one_sequence(int32_t n_tok) { return ragged({n_tok}); }

}  // namespace krait::harness
