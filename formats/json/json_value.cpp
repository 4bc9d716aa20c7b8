// SPDX-License-Identifier: Apache-2.0
#include "formats/json/json_value.hpp"

#include <charconv>
#include <limits>
#include <new>
#include <unordered_set>

#include "core/base/input_file.hpp"
#include "core/base/printable.hpp"

namespace krait {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
struct Literal {
    std::string_view text;
    double value;
};
constexpr Literal kNoNumbers[] = {
    {"Infinity", kInfinity}, {"-Infinity", -kInfinity}, {"NaN", std::numeric_limits<double>::quiet_NaN()}};

Result<JsonValue> read_word(JsonCursor& cursor) {
    JsonValue value{.kind = JsonValue::Kind::number, .at = cursor.position()};
    for (const Literal& literal : kNoNumbers)
        if (cursor.take_word(literal.text)) {
            value.number = literal.value;
            value.text = literal.text;
            return value;
        }
    KRAIT_TRY(const std::string_view word, cursor.word());
    if (word == "null") {
        value.kind = JsonValue::Kind::null;
    } else if (word == "true" || word == "false") {
        value.kind = JsonValue::Kind::boolean;
        value.truth = word == "true";
    } else {
        value.text = word;
        const auto [last, code] = std::from_chars(word.data(), word.data() + word.size(), value.number);
        if (code != std::errc{})
            return cursor.error("the number {} at byte {} is beyond what a double holds", quote(word), value.at);
    }
    return value;
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
    for (const auto& [name, value] : members)
        if (name == key) return value.is(Kind::null) ? nullptr : &value;
    return nullptr;
}

std::string JsonValue::description() const {
    switch (kind) {
        case Kind::null: return "null";
        case Kind::boolean: return truth ? "true" : "false";
        case Kind::number: return fmt::format("the number {}", text);
        case Kind::string: return fmt::format("the text {}", quote(text));
        case Kind::list: return fmt::format("a list of {}", list.size());
        case Kind::object: return "an object";
    }
    return "?";
}

Result<JsonValue> read_json_value(JsonCursor& cursor, int depth) {
    JsonValue value{.at = cursor.position()};
    if (depth > JsonCursor::kMaxDepth)
        return cursor.error("values at byte {} are nested more than {} deep", value.at, JsonCursor::kMaxDepth);
    if (cursor.next_is('"')) {
        value.kind = JsonValue::Kind::string;
        KRAIT_TRY(value.text, cursor.string("a text"));
    } else if (cursor.next_is('{')) {
        value.kind = JsonValue::Kind::object;
        std::unordered_set<std::string> keys;
        KRAIT_CHECK(cursor.object("an object", [&](const std::string& key, uint64_t at) -> Result<void> {
            if (!keys.insert(key).second) return cursor.error("the key {} at byte {} comes a second time", quote(key), at);
            KRAIT_TRY(JsonValue member, read_json_value(cursor, depth + 1));
            value.members.push_back({key, std::move(member)});
            return {};
        }));
    } else if (cursor.next_is('[')) {
        value.kind = JsonValue::Kind::list;
        KRAIT_CHECK(cursor.array("a list", [&]() -> Result<void> {
            KRAIT_TRY(JsonValue element, read_json_value(cursor, depth + 1));
            value.list.push_back(std::move(element));
            return {};
        }));
    } else {
        return read_word(cursor);
    }
    return value;
}

Result<std::string> read_json_text(const std::filesystem::path& path, uint64_t max_bytes, std::string_view what) {
    KRAIT_TRY(const InputFile file, InputFile::open(path));
    if (file.size() > max_bytes)
        return fail(ErrorCode::unsupported, "{}: {} of {} bytes; at most {} are read", path.string(), what, file.size(),
                    max_bytes);
    try {
        std::string text(static_cast<size_t>(file.size()), '\0');
        KRAIT_CHECK(file.read(0, std::as_writable_bytes(std::span(text))));
        return text;
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory, "not enough memory for {} of {} bytes", what, file.size());
    }
}

}  // namespace krait
