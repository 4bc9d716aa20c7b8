// SPDX-License-Identifier: Apache-2.0
//
// Values as text, the way Python writes them: str() for what a template prints, repr() for what stands inside of a list, and
// json.dumps() for tojson.
#pragma once

#include <optional>

#include "text/chat_template/value.hpp"

namespace krait::chat {

std::string real_text(double value);  // repr(): the shortest digits that give the same number back

// str(). Fails where values are nested more than kMaxNesting deep, as those are that hold themselves.
Result<void> print(const Value& value, TextBuilder& out);
Result<void> print_repr(const Value& value, TextBuilder& out);
// str() as a text; a text as it is.
Result<Value> to_text(const Value& value, Heap& heap);

struct JsonStyle {
    bool ensure_ascii = false, sort_keys = false;
    std::optional<MarkedText> indent;  // of one level; none: one line
    MarkedText item_separator{", ", {}}, key_separator{": ", {}};
};
Result<void> print_json(const Value& value, const JsonStyle& style, TextBuilder& out);

}  // namespace krait::chat
