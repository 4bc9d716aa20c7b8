// SPDX-License-Identifier: Apache-2.0
//
// Sets of positions, each stored once: equal sets have equal numbers, so what was found for one holds wherever it comes up
// again. A position is a place of the grammar and where it goes on when its rule has ended: again a set of positions. So these
// sets are the stacks of all parses of a text, with their common parts shared (a graph-structured stack, or the sets of Earley
// without the places of the text).
//
// A set refers only to sets with smaller numbers.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace krait::grammar {

using SetId = uint32_t;
inline constexpr SetId kDead = 0;  // the empty set

struct Position {
    uint32_t node;
    uint32_t extra;  // of a repetition: its counter; of a conjunction: the set with the states of its parts
    SetId link;      // where its rule goes on; of a part of a conjunction: the part's state
    auto operator<=>(const Position&) const = default;
};

class PositionSets {
  public:
    PositionSets();
    // Sorts the positions and removes doubles.
    SetId add(std::vector<Position>& positions);
    [[nodiscard]] std::span<const Position> operator[](SetId set) const {
        return std::span(positions_).subspan(begin_[set], begin_[set + 1] - begin_[set]);
    }
    // How many sets refer to each other below this one.
    [[nodiscard]] uint32_t depth(SetId set) const { return depth_[set]; }
    [[nodiscard]] size_t size() const { return depth_.size(); }
    [[nodiscard]] size_t bytes() const {
        return positions_.size() * sizeof(Position) + begin_.size() * sizeof(size_t) +
               (depth_.size() + table_.size()) * sizeof(uint32_t);
    }

  private:
    void grow();
    static size_t hash(std::span<const Position> positions);

    std::vector<Position> positions_;
    std::vector<size_t> begin_;
    std::vector<uint32_t> depth_;
    std::vector<uint32_t> table_;  // open addressing: a set plus one, 0 = free
};

}  // namespace krait::grammar
