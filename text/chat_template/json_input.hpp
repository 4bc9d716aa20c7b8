// SPDX-License-Identifier: Apache-2.0
//
// JSON text as values: the messages, tools and other variables that applications give.
#pragma once

#include "text/chat_template/value.hpp"

namespace krait::chat {

enum class Author : uint8_t { template_, user };  // who is taken to have written the texts in it

inline constexpr size_t kMaxJsonNesting = 128;

// Fails with the line and column of what is wrong, for values nested more than kMaxJsonNesting deep, and for integers beyond 64
// bits. Of two values with one key the last counts.
Result<Value> read_json(std::string_view json, Author author, Heap& heap);

}  // namespace krait::chat
