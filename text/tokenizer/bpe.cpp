// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/bpe.hpp"

#include <algorithm>
#include <bit>

namespace krait {

namespace {

constexpr uint64_t pair_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

MergeTable::MergeTable(size_t n_merge) {
    const size_t n_slot = std::bit_ceil(std::max<size_t>(2 * n_merge, 2));
    entries_.reserve(n_merge);
    slots_.assign(n_slot, -1);
    shift_ = 64 - std::countr_zero(n_slot);
}

// The slot that holds the pair, or the free one where it belongs.
size_t MergeTable::slot_of(uint64_t pair) const {
    // Fibonacci hashing: the upper bits of a product with 2^64 / golden ratio.
    size_t slot = (pair ^ pair >> 29) * 0x9e3779b97f4a7c15u >> shift_;
    while (slots_[slot] >= 0 && entries_[static_cast<size_t>(slots_[slot])].pair != pair)
        slot = (slot + 1) & (slots_.size() - 1);
    return slot;
}

bool MergeTable::insert(int32_t left, int32_t right, Merge merge) {
    int32_t& slot = slots_[slot_of(pair_of(left, right))];
    if (slot >= 0) return false;
    slot = static_cast<int32_t>(entries_.size());
    entries_.push_back({pair_of(left, right), merge});
    return true;
}

Merge MergeTable::find(int32_t left, int32_t right) const {
    const int32_t slot = slots_[slot_of(pair_of(left, right))];
    return slot < 0 ? Merge{} : entries_[static_cast<size_t>(slot)].merge;
}

}  // namespace krait
