// SPDX-License-Identifier: Apache-2.0
//
// What one closure of positions needs while it is computed; its memory is used again by the next one. For automaton.cpp.
#pragma once

#include <algorithm>
#include <vector>

#include "text/grammar/position_sets.hpp"

namespace krait::grammar {

// Positions that were met.
class SeenPositions {
  public:
    // Whether it is new.
    bool add(const Position& position) {
        if (count_ * 2 >= table_.size()) grow();
        return insert(position);
    }
    void clear() {
        ++round_;
        count_ = 0;
    }

  private:
    struct Entry {
        Position position{};
        uint32_t round = 0;
    };
    bool insert(const Position& position) {
        uint64_t sum = position.node * 0x9E3779B97F4A7C15u;
        sum = (sum ^ position.extra) * 0x9E3779B97F4A7C15u;
        sum = ((sum ^ position.link) * 0x9E3779B97F4A7C15u) >> 20;
        const size_t mask = table_.size() - 1;
        for (size_t slot = sum & mask;; slot = (slot + 1) & mask) {
            if (table_[slot].round != round_) {
                table_[slot] = {position, round_};
                ++count_;
                return true;
            }
            if (table_[slot].position == position) return false;
        }
    }
    void grow() {
        std::vector<Entry> old(table_.size() * 2);
        old.swap(table_);
        count_ = 0;
        for (const Entry& entry : old)
            if (entry.round == round_) insert(entry.position);
    }
    std::vector<Entry> table_{64};
    size_t count_ = 0;
    uint32_t round_ = 1;
};

// Rules that were called, those first that others cannot begin with.
class CalledRules {
  public:
    explicit CalledRules(size_t n_rule) : callers_(n_rule) {}
    std::vector<Position>& callers(uint32_t rule, uint32_t order) {
        if (callers_[rule].empty()) {
            heap_.push_back({order, rule});
            std::ranges::push_heap(heap_, std::greater<>());
        }
        return callers_[rule];
    }
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    uint32_t pop() {
        std::ranges::pop_heap(heap_, std::greater<>());
        const uint32_t rule = heap_.back().second;
        heap_.pop_back();
        return rule;
    }
    std::vector<Position>& callers(uint32_t rule) { return callers_[rule]; }
    void clear() {
        for (const auto& [order, rule] : heap_) callers_[rule].clear();
        heap_.clear();
    }

  private:
    std::vector<std::vector<Position>> callers_;
    std::vector<std::pair<uint32_t, uint32_t>> heap_;
};

}  // namespace krait::grammar
