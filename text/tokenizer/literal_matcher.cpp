// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/literal_matcher.hpp"

#include <algorithm>

namespace krait {

LiteralMatcher::LiteralMatcher(std::vector<std::pair<std::string, int32_t>> literals) : sorted_(std::move(literals)) {
    // std::string compares bytes as unsigned, as the search below does.
    std::sort(sorted_.begin(), sorted_.end());
    for (uint32_t i = 0; i < sorted_.size(); ++i) {
        Range& range = by_first_[static_cast<uint8_t>(sorted_[i].first[0])];
        if (range.begin == range.end) range.begin = i;
        range.end = i + 1;
    }
}

std::optional<LiteralMatcher::Hit> LiteralMatcher::find(std::string_view text, size_t from) const {
    for (size_t begin = from; begin < text.size(); ++begin) {
        Range range = by_first_[static_cast<uint8_t>(text[begin])];
        std::optional<Hit> longest;
        // `range` holds the literals that agree with the text in `depth` bytes; the shortest of them comes first.
        for (size_t depth = 1; range.begin != range.end; ++depth) {
            if (const auto& [literal, id] = sorted_[range.begin]; literal.size() == depth) {
                longest = Hit{begin, begin + depth, id};
                ++range.begin;
            }
            if (begin + depth >= text.size()) break;
            const auto byte = static_cast<uint8_t>(text[begin + depth]);
            const auto at = [&](const auto& entry) { return static_cast<uint8_t>(entry.first[depth]); };
            const auto first = sorted_.begin() + range.begin;
            const auto last = sorted_.begin() + range.end;
            const auto low = std::partition_point(first, last, [&](const auto& entry) { return at(entry) < byte; });
            const auto high = std::partition_point(low, last, [&](const auto& entry) { return at(entry) == byte; });
            range = {static_cast<uint32_t>(low - sorted_.begin()), static_cast<uint32_t>(high - sorted_.begin())};
        }
        if (longest) return longest;
    }
    return std::nullopt;
}

}  // namespace krait
