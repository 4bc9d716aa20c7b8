// SPDX-License-Identifier: Apache-2.0
//
// Which states of an automaton are kept, and which are the same for a mask.
#include <utility>

#include "text/grammar/automaton.hpp"

namespace krait::grammar {

// These states and all that they refer to; the states become their numbers there.
PositionSets Automaton::copy(std::span<SetId> states) const {
    std::vector<bool> is_kept(sets_.size());
    for (const SetId state : states) is_kept[state] = true;
    const auto holds_set = [&](const Position& at) { return program_->nodes[at.node].kind == NodeKind::both && at.extra != 0; };
    for (auto set = static_cast<SetId>(sets_.size()); set-- > 0;) {  // a set refers to smaller numbers only
        if (!is_kept[set]) continue;
        for (const Position& at : sets_[set]) {
            is_kept[at.link] = true;
            if (holds_set(at)) is_kept[at.extra] = true;
        }
    }
    PositionSets kept;
    std::vector<SetId> renamed(sets_.size(), kDead);
    for (SetId set = 1; set < sets_.size(); ++set) {
        if (!is_kept[set]) continue;
        std::vector<Position> positions(sets_[set].begin(), sets_[set].end());
        for (Position& at : positions) {
            if (holds_set(at)) at.extra = renamed[at.extra];
            at.link = renamed[at.link];
        }
        renamed[set] = kept.add(positions);
    }
    for (SetId& state : states) state = renamed[state];
    return kept;
}

void Automaton::take_states(const Automaton& other, std::span<SetId> states) {
    sets_ = other.copy(states);
    rows_.assign(sets_.size(), kNone);
    steps_ = {};
    canonical_ = {};
    starts_.assign(starts_.size(), kUnknown);
}

void Automaton::keep(std::span<SetId> states) { take_states(*this, states); }

namespace {

// A counter that counts the same for the next n bytes. A repetition takes one byte or more.
uint32_t far_from_limits(const Repeat& repeat, uint32_t count, uint32_t n) {
    if (count < repeat.min) return repeat.min - count > n ? 0 : count;
    return repeat.max != kEndless && repeat.max - count > n ? repeat.min : count;
}

}  // namespace

SetId Automaton::canonical(SetId state, size_t level, uint32_t max_bytes) {
    std::vector<SetId>& known = canonical_[level];
    if (known.empty()) known.push_back(kDead);
    while (known.size() <= state) {
        const auto set = static_cast<SetId>(known.size());
        std::vector<Position> positions(sets_[set].begin(), sets_[set].end());
        for (Position& at : positions) {
            const Node& node = program_->nodes[at.node];
            if (node.kind == NodeKind::repeat) at.extra = far_from_limits(program_->repeats[node.arg], at.extra, max_bytes + 1);
            if (node.kind == NodeKind::both && at.extra != 0) at.extra = known[at.extra];
            at.link = known[at.link];
        }
        known.push_back(sets_.add(positions));
        rows_.resize(sets_.size(), kNone);
    }
    return known[state];
}

}  // namespace krait::grammar
