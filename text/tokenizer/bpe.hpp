// SPDX-License-Identifier: Apache-2.0
//
// Byte-pair encoding of one piece: as long as two neighbours have a merge, the pair with the best rank is joined, the
// leftmost first among equals. A heap of candidate pairs over a linked list: O(n log n) for n bytes, so a megabyte of one
// letter takes no longer than a megabyte of prose, nearly.
// R. Sennrich, B. Haddow, A. Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016.
#pragma once

#include <cstdint>
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

struct TokenPair {
    int32_t left = -1, right = -1;
};

class BytePairEncoder {
  public:
    explicit BytePairEncoder(const MergeTable& merges) : merges_(merges) {}

    // From now on pairs[token] is the pair that was last seen to make the token, joined or not; `pairs` holds all results of
    // merges, and outlives this.
    void keep_pairs(std::vector<TokenPair>* pairs) { pairs_ = pairs; }

    // Joins `tokens` and appends what is left of them to `ids`. Fewer than 2^31 tokens.
    void encode(std::span<const int32_t> tokens, std::vector<int32_t>& ids);

  private:
    struct Node {
        int32_t token;
        int32_t previous, next;  // -1 = none
        Merge merge;             // with `next`
    };
    void update(int32_t position);

    const MergeTable& merges_;
    std::vector<TokenPair>* pairs_ = nullptr;
    std::vector<Node> nodes_;
    std::vector<uint64_t> heap_;  // rank << 32 | position, the smallest on top
};

}  // namespace krait
