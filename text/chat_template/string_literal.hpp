// SPDX-License-Identifier: Apache-2.0
//
// The text between the quotes of a string in a template, with its escapes resolved as in Python: \n \t \xHH \uHHHH and so
// on. A backslash in front of anything else stays.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace krait::chat {

// Nothing where an escape is cut short or names no character.
std::optional<std::string> resolve_escapes(std::string_view inner);

}  // namespace krait::chat
