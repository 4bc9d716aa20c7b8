// SPDX-License-Identifier: Apache-2.0
//
// A JSON value as a tree, for files that are small: a configuration. Each value knows the byte where it stands. Python's
// Infinity, -Infinity and NaN are numbers, as configurations have them; a key that comes twice is an error.
#pragma once

#include <filesystem>
#include <vector>

#include "formats/json/json_cursor.hpp"

namespace krait {

struct JsonMember;

struct JsonValue {
    enum class Kind : uint8_t { null, boolean, number, string, list, object };
    Kind kind = Kind::null;
    bool truth = false;
    double number = 0;
    std::string text;  // of a string; a number as it is written
    std::vector<JsonValue> list;
    std::vector<JsonMember> members;  // of an object, in their order
    uint64_t at = 0;                  // byte of the file

    [[nodiscard]] bool is(Kind other) const { return kind == other; }
    // A member that is there and not null; nullptr where this is no object.
    [[nodiscard]] const JsonValue* find(std::string_view key) const;
    [[nodiscard]] bool is_true() const { return kind == Kind::boolean && truth; }
    // "the number 12", "a list", for errors.
    [[nodiscard]] std::string description() const;
};

struct JsonMember {
    std::string key;
    JsonValue value;
};

Result<JsonValue> read_json_value(JsonCursor& cursor, int depth = 0);

// The text of a file, no longer than max_bytes; what names it in the error: "a configuration".
Result<std::string> read_json_text(const std::filesystem::path& path, uint64_t max_bytes, std::string_view what);

}  // namespace krait
