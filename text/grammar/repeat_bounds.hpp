// SPDX-License-Identifier: Apache-2.0
//
// *, +, ?, {m}, {m,}, {m,n} and {,n} behind an element, as GBNF and regular expressions have them.
#pragma once

#include "text/grammar/limits.hpp"
#include "text/grammar/program.hpp"
#include "text/grammar/source_cursor.hpp"

namespace krait::grammar {

struct RepeatBounds {
    uint32_t min, max;  // max: kEndless = without end
};

// The cursor is at '{'.
inline Result<RepeatBounds> take_bounds(SourceCursor& cursor) {
    const size_t begin = cursor.at();
    const auto skip_blanks = [&] {
        while (cursor.peek() == ' ' || cursor.peek() == '\t') cursor.skip();
    };
    cursor.skip();
    skip_blanks();
    const auto min = cursor.take_number();
    skip_blanks();
    auto max = min;
    if (cursor.take(",")) {
        skip_blanks();
        max = cursor.take_number();
        skip_blanks();
        if (!min && !max) return cursor.error(begin, "{{,}} has no number; {{m}}, {{m,}}, {{m,n}} and {{0,n}} are possible");
    } else if (!min) {
        return cursor.error(begin, "a number is missing behind '{{'; {{m}}, {{m,}}, {{m,n}} and {{0,n}} are possible");
    }
    if (!cursor.take("}")) return cursor.error(cursor.at(), "'}}' is missing at the end of {{m,n}}");
    const uint64_t low = min.value_or(0), high = max.value_or(low);
    if (high < low) return cursor.error(begin, "{{{},{}}} is empty: the second number is to be the larger one", low, high);
    if (high > kMaxRepeat) return cursor.error(begin, "{} repetitions are too many: at most {} are possible", high, kMaxRepeat);
    return RepeatBounds{static_cast<uint32_t>(low), max ? static_cast<uint32_t>(high) : kEndless};
}

// The cursor is at a quantifier.
inline Result<RepeatBounds> take_quantifier(SourceCursor& cursor) {
    if (cursor.take("*")) return RepeatBounds{0, kEndless};
    if (cursor.take("+")) return RepeatBounds{1, kEndless};
    if (cursor.take("?")) return RepeatBounds{0, 1};
    return take_bounds(cursor);
}

}  // namespace krait::grammar
