// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/config.hpp"

#include <cmath>

#include "core/base/printable.hpp"

namespace krait::huggingface {
namespace {

constexpr uint64_t kMaxBytes = 4'000'000;  // real ones have some kB

std::string list_of(Names names) {
    std::string text;
    for (const std::string_view name : names) text += fmt::format("{}'{}'", text.empty() ? "" : " or ", name);
    return text;
}

}  // namespace

Result<Config> Config::open(const std::filesystem::path& path) {
    KRAIT_TRY(const std::string text, read_json_text(path, kMaxBytes, "a configuration"));
    Config config;
    config.file_ = path.string();
    JsonCursor cursor(text, 0, config.file_);
    cursor.enter("configuration");
    if (!cursor.next_is('{')) return cursor.error("an object is expected at byte {}", cursor.position());
    KRAIT_TRY(config.root_, read_json_value(cursor));
    KRAIT_CHECK(cursor.end("the configuration"));
    return config;
}

const JsonValue* Config::member(std::string_view name) const {
    const size_t dot = name.find('.');
    if (dot == std::string_view::npos) return root_.find(name);
    const JsonValue* parent = root_.find(name.substr(0, dot));
    const std::string_view rest = name.substr(dot + 1);
    if (!parent || !parent->is(JsonValue::Kind::list)) return parent ? parent->find(rest) : nullptr;
    const auto index = static_cast<size_t>(rest.front() - '0');  // lists have few elements
    return index < parent->list.size() ? &parent->list[index] : nullptr;
}

const JsonValue* Config::find(Names names) const {
    for (const std::string_view name : names)
        if (const JsonValue* found = member(name)) return found;
    return nullptr;
}

Result<const JsonValue*> Config::find_agreed(Names names) const {
    const JsonValue* first = find(names);
    for (const std::string_view name : names) {
        const JsonValue* other = member(name);
        if (!other || other == first) continue;
        if (other->kind != first->kind || other->truth != first->truth || other->number != first->number ||
            (first->is(JsonValue::Kind::string) && other->text != first->text)) {
            std::string_view name_of_first = names.front();
            for (const std::string_view earlier : names)
                if (member(earlier) == first) name_of_first = earlier;
            return wrong(Names(&name, 1), *other,
                         fmt::format("{}, as '{}' at byte {} says,", first->description(), name_of_first, first->at));
        }
    }
    return first;
}

tl::unexpected<Error> Config::wrong(Names names, const JsonValue& found, std::string_view wanted) const {
    std::string_view name = names.front();
    for (const std::string_view other : names)
        if (member(other) == &found) name = other;
    return fail(ErrorCode::corrupt_file, "{}: '{}' at byte {} is {}; {} is needed", file_, name, found.at, found.description(),
                wanted);
}

tl::unexpected<Error> Config::missing(Names names, std::string_view wanted) const {
    return fail(ErrorCode::corrupt_file, "{}: there is no {}; {} is needed", file_, list_of(names), wanted);
}

Result<std::optional<int64_t>> Config::size(Names names, int64_t min) const {
    KRAIT_TRY(const JsonValue* found, find_agreed(names));
    if (!found) return std::nullopt;
    if (!found->is(JsonValue::Kind::number) || found->number != std::floor(found->number) ||
        found->number < static_cast<double>(min) || found->number > INT32_MAX)
        return wrong(names, *found, fmt::format("a whole number from {} to {}", min, INT32_MAX));
    return static_cast<int64_t>(found->number);
}

Result<std::optional<double>> Config::number(Names names) const {
    KRAIT_TRY(const JsonValue* found, find_agreed(names));
    if (!found) return std::nullopt;
    if (!found->is(JsonValue::Kind::number)) return wrong(names, *found, "a number");
    return found->number;
}

Result<std::optional<bool>> Config::boolean(Names names) const {
    KRAIT_TRY(const JsonValue* found, find_agreed(names));
    if (!found) return std::nullopt;
    if (!found->is(JsonValue::Kind::boolean)) return wrong(names, *found, "true or false");
    return found->truth;
}

Result<std::optional<std::string>> Config::text(Names names) const {
    KRAIT_TRY(const JsonValue* found, find_agreed(names));
    if (!found) return std::nullopt;
    if (!found->is(JsonValue::Kind::string)) return wrong(names, *found, "a text");
    return found->text;
}

}  // namespace krait::huggingface
