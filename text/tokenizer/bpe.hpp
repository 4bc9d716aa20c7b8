// SPDX-License-Identifier: Apache-2.0
//
// Byte-pair encoding of one piece: as long as two neighbours have a merge, the pair with the best rank is joined, the
// leftmost first among equals. A heap of candidate pairs over a linked list: O(n log n) for n bytes, so a megabyte of one
// letter takes no longer than a megabyte of prose, nearly.
// R. Sennrich, B. Haddow, A. Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace krait {

struct Merge {
    int32_t rank = -1;  // the order of the merges: smaller is joined first, equal ones from the left; -1 = these two have none
    int32_t result = -1;  // the token that they become
};

// (left, right) -> Merge, up to 2^31 - 1 of them. Open addressing, at most half full: the lookup is the inner loop of encoding.
// Slots are numbers of merges, so that those without one, which most lookups meet, lie close together.
class MergeTable {
  public:
    explicit MergeTable(size_t n_merge = 0);  // the number of merges that will be inserted, at most

    // False if the pair has a merge already.
    bool insert(int32_t left, int32_t right, Merge merge);
    [[nodiscard]] Merge find(int32_t left, int32_t right) const;

  private:
    struct Entry {
        uint64_t pair;
        Merge merge;
    };
    [[nodiscard]] size_t slot_of(uint64_t pair) const;
    std::vector<Entry> entries_;
    std::vector<int32_t> slots_;  // -1 = free
    int shift_ = 0;
};

class BytePairEncoder {
  public:
    // A token, and the tokens [begin, end) of the row that were joined into it.
    struct Part {
        int32_t token;
        int32_t begin, end;
    };

    // Joins `tokens` and appends what is left of them to `ids`. find_merge(left, right) is the Merge of two neighboring Parts,
    // and depends on nothing but these. Fewer than 2^31 tokens.
    template <class FindMerge>
    void encode(std::span<const int32_t> tokens, FindMerge&& find_merge, std::vector<int32_t>& ids);

  private:
    struct Node {
        int32_t token;
        int32_t previous, next;  // -1 = none
        Merge merge;             // with `next`
    };
    // The nodes that were joined into one lie behind it.
    [[nodiscard]] Part part(int32_t position) const {
        const Node& node = nodes_[position];
        return {node.token, position, node.next < 0 ? static_cast<int32_t>(nodes_.size()) : node.next};
    }
    // Looks up the merge of a node with its next one, and makes it a candidate.
    template <class FindMerge>
    void update(int32_t position, FindMerge& find_merge) {
        Node& node = nodes_[position];
        node.merge = node.next < 0 ? Merge{} : find_merge(part(position), part(node.next));
        if (node.merge.rank < 0) return;
        heap_.push_back(static_cast<uint64_t>(node.merge.rank) << 32 | static_cast<uint32_t>(position));
        std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }

    std::vector<Node> nodes_;
    std::vector<uint64_t> heap_;  // rank << 32 | position, the smallest on top
};

template <class FindMerge>
void BytePairEncoder::encode(std::span<const int32_t> tokens, FindMerge&& find_merge, std::vector<int32_t>& ids) {
    const auto n = static_cast<int32_t>(tokens.size());
    if (n == 0) return;
    nodes_.resize(tokens.size());
    heap_.clear();
    for (int32_t i = 0; i < n; ++i) nodes_[i] = {tokens[i], i - 1, i + 1 < n ? i + 1 : -1, {}};
    for (int32_t i = 0; i < n; ++i) update(i, find_merge);

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
        if (node.previous >= 0) update(node.previous, find_merge);
        update(position, find_merge);
    }
    for (int32_t i = 0; i >= 0; i = nodes_[i].next) ids.push_back(nodes_[i].token);
}

}  // namespace krait
