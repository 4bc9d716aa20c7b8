// SPDX-License-Identifier: Apache-2.0
//
// Texts with places for values: "%s has %d" % (a, b), and "{} has {n}".format(a, n=b).
#pragma once

#include "text/chat_template/callable.hpp"

namespace krait::chat {

inline constexpr int64_t kMaxWidth = 10000;  // of a value that is formatted, in characters

// values: a tuple, a dict for %(name)s, or one value.
Result<Value> percent_format(const Value& format, const Value& values, Heap& heap);
Result<Value> brace_format(const Value& format, const Call& call);

}  // namespace krait::chat
