// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/position_sets.hpp"

#include <algorithm>

namespace krait::grammar {

PositionSets::PositionSets() : begin_{0, 0}, depth_{0}, table_(64) {}

size_t PositionSets::hash(std::span<const Position> positions) {
    uint64_t sum = positions.size();
    for (const Position& position : positions)
        for (const uint32_t word : {position.node, position.extra, position.link}) {
            sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
            sum ^= sum >> 32;
        }
    return sum;
}

SetId PositionSets::add(std::vector<Position>& positions) {
    if (positions.empty()) return kDead;
    std::ranges::sort(positions);
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    const size_t mask = table_.size() - 1;
    size_t slot = hash(positions) & mask;
    for (; table_[slot] != 0; slot = (slot + 1) & mask)
        if (std::ranges::equal((*this)[table_[slot] - 1], positions)) return table_[slot] - 1;
    const auto set = static_cast<SetId>(size());
    table_[slot] = set + 1;
    uint32_t depth = 0;
    for (const Position& position : positions) depth = std::max(depth, depth_[position.link] + 1);
    positions_.insert(positions_.end(), positions.begin(), positions.end());
    begin_.push_back(positions_.size());
    depth_.push_back(depth);
    if (size() * 2 > table_.size()) grow();
    return set;
}

void PositionSets::grow() {
    table_.assign(table_.size() * 2, 0);
    const size_t mask = table_.size() - 1;
    for (SetId set = 1; set < size(); ++set) {
        size_t slot = hash((*this)[set]) & mask;
        while (table_[slot] != 0) slot = (slot + 1) & mask;
        table_[slot] = set + 1;
    }
}

}  // namespace krait::grammar
