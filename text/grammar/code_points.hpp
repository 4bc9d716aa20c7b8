// SPDX-License-Identifier: Apache-2.0
//
// Sets of characters, and the bytes that write them in UTF-8. Surrogates are no characters, so no set has any.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace krait::grammar {

struct CodePointRange {
    char32_t first, last;
    bool operator==(const CodePointRange&) const = default;
};

class CodePointSet {
  public:
    CodePointSet() = default;
    CodePointSet(std::initializer_list<CodePointRange> ranges);
    static CodePointSet all() { return {{0, 0x10FFFF}}; }

    void add(char32_t first, char32_t last);  // last: at most U+10FFFF
    void add(char32_t point) { add(point, point); }
    void add(const CodePointSet& other);
    // The other characters of Unicode.
    [[nodiscard]] CodePointSet negated() const;
    [[nodiscard]] CodePointSet without(const CodePointSet& other) const;
    [[nodiscard]] bool has(char32_t point) const;
    [[nodiscard]] bool empty() const { return ranges().empty(); }
    // Ascending, apart from each other, without surrogates.
    [[nodiscard]] const std::vector<CodePointRange>& ranges() const;

  private:
    mutable std::vector<CodePointRange> ranges_;
    mutable bool is_sorted_ = true;
};

// Characters whose UTF-8 has these bytes: one of [first[0], last[0]], then one of [first[1], last[1]], and so on.
struct ByteRanges {
    uint32_t length = 0;
    std::array<uint8_t, 4> first{}, last{};
};
// All of a set.
std::vector<ByteRanges> utf8_ranges(const CodePointSet& set);

}  // namespace krait::grammar
