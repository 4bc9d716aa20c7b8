// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/bpe.hpp"

#include <algorithm>
#include <bit>
#include <functional>

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

// Looks up the merge of a node with its next one, and makes it a candidate.
void BytePairEncoder::update(int32_t position) {
    Node& node = nodes_[position];
    node.merge = node.next < 0 ? Merge{} : merges_.find(node.token, nodes_[node.next].token);
    if (node.merge.rank < 0) return;
    if (pairs_ != nullptr) (*pairs_)[node.merge.result] = {node.token, nodes_[node.next].token};
    heap_.push_back(static_cast<uint64_t>(node.merge.rank) << 32 | static_cast<uint32_t>(position));
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

void BytePairEncoder::encode(std::span<const int32_t> tokens, std::vector<int32_t>& ids) {
    const auto n = static_cast<int32_t>(tokens.size());
    if (n == 0) return;
    nodes_.resize(tokens.size());
    heap_.clear();
    for (int32_t i = 0; i < n; ++i) nodes_[i] = {tokens[i], i - 1, i + 1 < n ? i + 1 : -1, {}};
    for (int32_t i = 0; i < n; ++i) update(i);

    while (!heap_.empty()) {
        std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
        const auto rank = static_cast<int32_t>(heap_.back() >> 32);
        const auto position = static_cast<int32_t>(heap_.back() & UINT32_MAX);
        heap_.pop_back();
        // A candidate has gone stale when one of its two was joined with another; a node that was joined into its left
        // neighbour has no merge. Where the node has another merge of the same rank by now, that one's turn is now too.
        Node& node = nodes_[position];
        if (node.merge.rank != rank) continue;
        Node& joined = nodes_[node.next];
        node.token = node.merge.result;
        node.next = joined.next;
        joined.merge = {};
        if (node.next >= 0) nodes_[node.next].previous = position;
        if (node.previous >= 0) update(node.previous);
        update(position);
    }
    for (int32_t i = 0; i >= 0; i = nodes_[i].next) ids.push_back(nodes_[i].token);
}

}  // namespace krait
