// SPDX-License-Identifier: Apache-2.0
//
// Errors of nlohmann's JSON parser as a part of a sentence: "[json.exception.parse_error.101] parse error at line 2, column 5:
// syntax error while parsing value" becomes "line 2, column 5: syntax error while parsing value".
#pragma once

#include <string>
#include <string_view>

namespace krait {

// what: of an exception of the library.
inline std::string json_error_text(std::string_view what) {
    if (const size_t end = what.find("] "); what.starts_with('[') && end != what.npos) what.remove_prefix(end + 2);
    constexpr std::string_view kPosition = "parse error at ";
    if (what.starts_with(kPosition)) what.remove_prefix(kPosition.size());
    return std::string(what);
}

}  // namespace krait
