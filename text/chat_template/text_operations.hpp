// SPDX-License-Identifier: Apache-2.0
//
// Operations on texts that filters and methods share. They keep the marks of users' parts.
#pragma once

#include "text/chat_template/callable.hpp"

namespace krait::chat {

enum class Side : uint8_t { left = 1, right = 2, both = 3 };
// Without white space at its ends, or without the characters of `chars` where that is a text.
Result<Value> strip(const Value& text, const Value& chars, Side side, Heap& heap);
// The first `count` occurrences; all where count < 0.
Value replace(const Value& text, const Value& old, const Value& with, int64_t count, Heap& heap);
// Where `what` lies in `in`, first from `from` on or last; npos where it does not, or where the budget ends. A search may
// compare all of `what` at every byte of `in`, so the budget is charged for what is compared.
size_t find_first(std::string_view in, std::string_view what, size_t from, Budget& budget);
size_t find_last(std::string_view in, std::string_view what, Budget& budget);
// Every character through `map`, as is_first says: whether it is the first of the text, or of a word for title().
using CharacterMap = std::string (*)(char32_t point, bool is_first);
Value map_characters(const Value& text, CharacterMap map, Heap& heap);
// Lines without their ends, as Python's str.splitlines() finds them; with `keep` they keep them.
std::vector<Value> split_lines(const Value& text, bool keep, Heap& heap);

// The argument as a text or a number, or an error that names it.
Result<Value> expect_text(const Value& value, std::string_view what);
Result<int64_t> expect_integer(const Value& value, std::string_view what);
Result<int64_t> integer_or(const Value& value, int64_t fallback, std::string_view what);  // fallback for undefined and none
// The width of a field that is padded: 0 to kMaxWidth.
Result<int64_t> expect_width(const Value& value, std::string_view what);
bool is_given(const Value& value);  // neither undefined nor none

}  // namespace krait::chat
