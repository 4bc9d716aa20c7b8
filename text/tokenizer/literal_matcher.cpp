// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/literal_matcher.hpp"

#include <algorithm>

namespace krait {

namespace {

std::vector<std::pair<std::string, int32_t>> reversed(std::vector<std::pair<std::string, int32_t>> literals) {
    for (auto& [text, id] : literals) std::reverse(text.begin(), text.end());
    return literals;
}

}  // namespace

LiteralMatcher::LiteralMatcher(std::vector<std::pair<std::string, int32_t>> literals, const KeepGoing& keep_going)
    : trie_(reversed(std::move(literals)), keep_going), fallbacks_(trie_.n_node(), 0), longest_at_(trie_.n_node()) {
    std::vector<uint32_t> depths(trie_.n_node(), 0);
    // Parents come first, and so do nodes of a smaller depth: those that a fallback leads to are complete.
    BuildCheck check(keep_going);
    trie_.for_each_edge([&](int32_t node, uint8_t byte, int32_t child) {
        check();
        depths[child] = depths[node] + 1;
        for (int32_t shorter = node; shorter != 0;) {
            shorter = fallbacks_[shorter];
            if (const int32_t next = trie_.next(shorter, byte); next != ByteTrie::kNone) {
                fallbacks_[child] = next;
                break;
            }
        }
        longest_at_[child] =
            trie_.value(child) == ByteTrie::kNone ? longest_at_[fallbacks_[child]] : Longest{trie_.value(child), depths[child]};
    });
}

std::vector<LiteralMatcher::Hit> LiteralMatcher::find_all(std::string_view text) const {
    std::vector<Hit> hits;
    if (is_empty()) return hits;
    int32_t node = 0;
    for (size_t begin = text.size(); begin-- > 0;) {
        const auto byte = static_cast<uint8_t>(text[begin]);
        int32_t next = trie_.next(node, byte);
        if (next == ByteTrie::kNone) {
            if (node == 0) continue;  // most bytes end no literal
            do {
                node = fallbacks_[node];
                next = trie_.next(node, byte);
            } while (next == ByteTrie::kNone && node != 0);
        }
        node = std::max(next, 0);
        if (node == 0) continue;
        if (const auto [id, length] = longest_at_[node]; length > 0) hits.push_back({begin, begin + length, id});
    }
    std::reverse(hits.begin(), hits.end());
    // Those that begin inside an earlier one are none.
    size_t done = 0;
    std::erase_if(hits, [&](const Hit& hit) {
        if (hit.begin < done) return true;
        done = hit.end;
        return false;
    });
    return hits;
}

}  // namespace krait
