// SPDX-License-Identifier: Apache-2.0
//
// Parts that filters on lists share: the attribute "a.b.0" of each item, and keys that ignore the case of letters.
#pragma once

#include "text/chat_template/callable.hpp"

namespace krait::chat {

// path: a text with dots, or an integer. `fallback` where that is given and the item lacks it.
Result<Value> attribute_path(const Value& item, const Value& path, const Value& fallback, Heap& heap);
// In lower case where it is a text.
Value fold_case(const Value& value, Heap& heap);

}  // namespace krait::chat
