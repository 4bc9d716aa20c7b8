// SPDX-License-Identifier: Apache-2.0
//
// Finds literal tokens in text: the leftmost, and the longest there. Built once, then only read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace krait {

class LiteralMatcher {
  public:
    struct Hit {
        size_t begin, end;  // in the text
        int32_t id;
    };

    // Texts must be distinct and not empty.
    explicit LiteralMatcher(std::vector<std::pair<std::string, int32_t>> literals = {});

    // The first hit at or after `from`.
    [[nodiscard]] std::optional<Hit> find(std::string_view text, size_t from) const;

  private:
    std::vector<std::pair<std::string, int32_t>> sorted_;  // by text, so those that share a prefix stand together
    struct Range {
        uint32_t begin = 0, end = 0;
    };
    std::array<Range, 256> by_first_{};  // by first byte: text is mostly bytes that begin no literal
};

}  // namespace krait
