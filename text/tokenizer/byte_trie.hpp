// SPDX-License-Identifier: Apache-2.0
//
// A trie of byte strings with a number each: from any place of a text, all strings that begin there are found in one walk.
// Built once, then only read; 13 bytes a node, of which there are at most as many as the strings have bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer/build_check.hpp"

namespace krait {

class ByteTrie {
  public:
    static constexpr int32_t kNone = -1;

    // Texts must not be empty, values not negative; of equal texts the first one's value counts. Throws BuildCancelled.
    explicit ByteTrie(std::vector<std::pair<std::string, int32_t>> texts = {}, const KeepGoing& keep_going = {});

    // The node that `byte` leads to, or kNone. The root is node 0; children have higher numbers than their parents, and the
    // nodes of one depth stand together.
    [[nodiscard]] int32_t next(int32_t node, uint8_t byte) const {
        if (node == 0) return from_root_[byte];
        uint32_t begin = nodes_[node].first, n = nodes_[node].n_child;
        while (n > 1) {
            const uint32_t half = n / 2;
            if (labels_[begin + half] <= byte) begin += half;
            n -= half;
        }
        return n == 1 && labels_[begin] == byte ? static_cast<int32_t>(begin) : kNone;
    }
    [[nodiscard]] int32_t value(int32_t node) const { return nodes_[node].value; }  // kNone where no text ends
    [[nodiscard]] size_t n_node() const { return nodes_.size(); }
    [[nodiscard]] bool is_empty() const { return nodes_.size() == 1; }
    // Calls on_child(node, byte, child) for every edge, parents before their children.
    template <class OnChild>
    void for_each_edge(OnChild&& on_child) const {
        for (size_t node = 0; node < nodes_.size(); ++node)
            for (uint32_t i = 0; i < nodes_[node].n_child; ++i) {
                const uint32_t child = nodes_[node].first + i;
                on_child(static_cast<int32_t>(node), labels_[child], static_cast<int32_t>(child));
            }
    }

    struct Match {
        size_t length = 0;  // 0 = none
        int32_t value = kNone;
    };
    // Calls on_match(match) for every text that `text` begins with, the shorter ones first.
    template <class OnMatch>
    void for_each_prefix(std::string_view text, OnMatch&& on_match) const {
        int32_t node = 0;
        for (size_t i = 0; i < text.size(); ++i) {
            node = next(node, static_cast<uint8_t>(text[i]));
            if (node == kNone) return;
            if (value(node) != kNone) on_match(Match{i + 1, value(node)});
        }
    }
    // The longest text that `text` begins with.
    [[nodiscard]] Match longest_prefix(std::string_view text) const;

  private:
    struct Node {
        uint32_t first = 0;    // its children, in the order of their bytes
        uint32_t n_child = 0;  // at most 256
        int32_t value = kNone;
    };
    std::vector<Node> nodes_;
    std::vector<uint8_t> labels_;  // the byte that leads to a node
    std::array<int32_t, 256> from_root_{};
};

}  // namespace krait
