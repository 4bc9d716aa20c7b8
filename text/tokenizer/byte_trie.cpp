// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/byte_trie.hpp"

#include <algorithm>

namespace krait {

ByteTrie::ByteTrie(std::vector<std::pair<std::string, int32_t>> texts, const KeepGoing& keep_going) : nodes_(1), labels_(1) {
    BuildCheck check(keep_going);
    from_root_.fill(kNone);
    std::stable_sort(texts.begin(), texts.end(), [&](const auto& a, const auto& b) {
        check();
        return a.first < b.first;
    });
    // Breadth first: a node stands for the sorted texts [begin, end), which agree in their first `depth` bytes.
    struct Range {
        uint32_t begin, end, depth;
    };
    std::vector<Range> ranges{{0, static_cast<uint32_t>(texts.size()), 0}};
    for (size_t node = 0; node < ranges.size(); ++node) {
        check();
        auto [begin, end, depth] = ranges[node];
        for (; begin < end && texts[begin].first.size() == depth; ++begin)
            if (nodes_[node].value == kNone) nodes_[node].value = texts[begin].second;
        nodes_[node].first = static_cast<uint32_t>(nodes_.size());
        while (begin < end) {
            const auto byte = static_cast<uint8_t>(texts[begin].first[depth]);
            uint32_t other = begin + 1;
            while (other < end && static_cast<uint8_t>(texts[other].first[depth]) == byte) ++other;
            if (node == 0) from_root_[byte] = static_cast<int32_t>(nodes_.size());
            ranges.push_back({begin, other, depth + 1});
            nodes_.emplace_back();
            labels_.push_back(byte);
            ++nodes_[node].n_child;
            begin = other;
        }
    }
}

ByteTrie::Match ByteTrie::longest_prefix(std::string_view text) const {
    Match longest;
    for_each_prefix(text, [&](Match match) { longest = match; });
    return longest;
}

}  // namespace krait
