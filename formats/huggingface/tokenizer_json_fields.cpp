// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/tokenizer_json_fields.hpp"

#include <algorithm>
#include <iterator>

#include "core/base/printable.hpp"

namespace krait::huggingface {
namespace {

using Kind = JsonValue::Kind;

struct Field {
    std::string_view name;
    Kind kind;
};
// Those that Krait looks at: of steps, of added tokens and of post-processors.
constexpr Field kFields[] = {
    {"type", Kind::string},
    {"content", Kind::string},
    {"prepend", Kind::string},
    {"replacement", Kind::string},
    {"prepend_scheme", Kind::string},
    {"precompiled_charsmap", Kind::string},
    {"behavior", Kind::string},
    {"pattern", Kind::object},
    {"String", Kind::string},
    {"Regex", Kind::string},
    {"normalizers", Kind::list},
    {"pretokenizers", Kind::list},
    {"processors", Kind::list},
    {"single", Kind::list},
    {"cls", Kind::list},
    {"sep", Kind::list},
    {"SpecialToken", Kind::object},
    {"special", Kind::boolean},
    {"lstrip", Kind::boolean},
    {"rstrip", Kind::boolean},
    {"single_word", Kind::boolean},
    {"normalized", Kind::boolean},
    {"add_prefix_space", Kind::boolean},
    {"split", Kind::boolean},
    {"use_regex", Kind::boolean},
    {"individual_digits", Kind::boolean},
    {"invert", Kind::boolean},
    {"strip_right", Kind::boolean},
    {"clean_text", Kind::boolean},
    {"handle_chinese_chars", Kind::boolean},
    {"strip_accents", Kind::boolean},
    {"lowercase", Kind::boolean},
};

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::boolean: return "true or false";
        case Kind::string: return "a text";
        case Kind::list: return "a list";
        default: return "an object";
    }
}

}  // namespace

Result<void> check_fields(const JsonValue& value, std::string_view file) {
    for (const JsonValue& element : value.list) KRAIT_CHECK(check_fields(element, file));
    for (const auto& [name, member] : value.members) {
        if (name == "special_tokens") continue;  // its keys are texts of tokens
        const auto* field = std::ranges::find(kFields, name, &Field::name);
        if (field != std::end(kFields) && !member.is(field->kind) && !member.is(Kind::null))
            return fail(ErrorCode::corrupt_file, "{}: {} at byte {} is {}; {} is needed", file, quote(name), member.at,
                        member.description(), name_of(field->kind));
        KRAIT_CHECK(check_fields(member, file));
    }
    return {};
}

std::string_view text_of(const JsonValue& value, std::string_view key) {
    const JsonValue* found = value.find(key);
    return found ? std::string_view(found->text) : std::string_view();
}

bool flag_of(const JsonValue& value, std::string_view key, bool fallback) {
    const JsonValue* found = value.find(key);
    return found ? found->is_true() : fallback;
}

AddedToken added_token_of(const JsonValue& token, int64_t id) {
    return {.text = std::string(text_of(token, "content")),
            .id = id,
            .is_special = flag_of(token, "special", false),
            .lstrip = flag_of(token, "lstrip", false),
            .rstrip = flag_of(token, "rstrip", false),
            .single_word = flag_of(token, "single_word", false),
            .normalized = flag_of(token, "normalized", false)};
}

}  // namespace krait::huggingface
