// SPDX-License-Identifier: Apache-2.0
//
// Values in order, as Python's sorted() has them: equal ones stay as they were.
#pragma once

#include "text/chat_template/callable.hpp"

namespace krait::chat {

struct SortOptions {
    bool reverse = false, case_sensitive = false;
    Value attribute;  // what is compared of each value: "a.b", an index; none: the value. In sort_values also "a,b"
};

// The key that a value is compared by: the value or one attribute of it.
Result<Value> sort_key(const Value& value, const SortOptions& options, Heap& heap);
Result<std::vector<Value>> sort_values(std::vector<Value> values, const SortOptions& options, Heap& heap);

}  // namespace krait::chat
