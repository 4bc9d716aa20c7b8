// SPDX-License-Identifier: Apache-2.0
//
// Filters that make a text of a value.
#include "text/chat_template/characters.hpp"
#include "text/chat_template/json_input.hpp"
#include "text/chat_template/operators.hpp"
#include "text/chat_template/percent_format.hpp"
#include "text/chat_template/printing.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

Result<Value> string(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    return to_text(call.self, call.heap());
}

Result<Value> safe(const Call& call) { return string(call); }

Result<Value> trim(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"chars"}));
    KRAIT_TRY(const Value text, to_text(call.self, call.heap()));
    return strip(text, bound[0], Side::both, call.heap());
}

Result<Value> mapped(const Call& call, CharacterMap map) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(const Value text, to_text(call.self, call.heap()));
    return map_characters(text, map, call.heap());
}

Result<Value> upper(const Call& call) {
    return mapped(call, [](char32_t point, bool) { return to_upper(point); });
}
Result<Value> lower(const Call& call) {
    return mapped(call, [](char32_t point, bool) { return to_lower(point); });
}
Result<Value> capitalize(const Call& call) {
    return mapped(call, [](char32_t point, bool is_first) { return is_first ? to_title(point) : to_lower(point); });
}

// Words begin behind white space and opening brackets, and behind a hyphen.
Result<Value> title(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(const Value text, to_text(call.self, call.heap()));
    const std::string_view bytes = bytes_of(text);
    TextBuilder builder(call.budget());
    call.budget().work(bytes.size() * 8);
    bool begins = true;
    for (size_t at = 0; at < bytes.size(); at += length_at(bytes, at)) {
        const char32_t point = point_at(bytes, at);
        builder.append_as(begins ? to_upper(point) : to_lower(point), text.text->marked, at);
        begins = is_space(point) || point == '-' || point == '(' || point == '{' || point == '[' || point == '<';
    }
    return call.heap().text(builder);
}

Result<Value> escape(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(const Value text, to_text(call.self, call.heap()));
    TextBuilder builder(call.budget());
    const std::string_view bytes = bytes_of(text);
    for (size_t at = 0; at < bytes.size(); ++at) {
        const char c = bytes[at];
        const char* written = c == '&'    ? "&amp;"
                              : c == '<'  ? "&lt;"
                              : c == '>'  ? "&gt;"
                              : c == '\'' ? "&#39;"
                              : c == '"'  ? "&#34;"
                                          : nullptr;
        if (written) {
            builder.append_as(written, text.text->marked, at);
        } else {
            builder.append(text.text->marked, at, at + 1);
        }
    }
    return call.heap().text(builder);
}

Result<Value> replaced(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(2, {"old", "new", "count"}));
    KRAIT_TRY(const Value text, to_text(call.self, call.heap()));
    KRAIT_TRY(const Value old, to_text(bound[0], call.heap()));
    KRAIT_TRY(const Value with, to_text(bound[1], call.heap()));
    KRAIT_TRY(const int64_t count, integer_or(bound[2], -1, "the number of replacements"));
    return replace(text, old, with, count, call.heap());
}

Result<MarkedText> indentation(const Value& width, int64_t fallback) {
    if (width.is(Kind::text)) return width.text->marked;
    if (!is_given(width)) return MarkedText{std::string(static_cast<size_t>(fallback), ' '), {}};
    KRAIT_TRY(const int64_t n, expect_width(width, "the indentation"));
    return MarkedText{std::string(static_cast<size_t>(n), ' '), {}};
}

Result<Value> indent(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"width", "first", "blank"}));
    if (call.self.is(Kind::undefined)) return fail_undefined(call.self);
    KRAIT_TRY(const Value text, expect_text(call.self, "what is indented"));
    KRAIT_TRY(const MarkedText indentation_text, indentation(bound[0], 4));
    const bool blank = is_true(bound[2]);
    std::vector<Value> lines = split_lines(text, false, call.heap());
    if (bytes_of(text).empty() || bytes_of(text).ends_with('\n')) lines.push_back(call.heap().text(""));
    TextBuilder builder(call.budget());
    if (is_true(bound[1])) builder.append(indentation_text);
    for (size_t i = 0; i < lines.size(); ++i) {
        if (i > 0) builder.append("\n");
        if (i > 0 && (blank || !bytes_of(lines[i]).empty())) builder.append(indentation_text);
        builder.append(lines[i].text->marked);
    }
    return call.heap().text(builder);
}

Result<Value> format(const Call& call) {
    KRAIT_TRY(const Value text, to_text(call.self, call.heap()));
    if (call.keywords.empty()) {
        return percent_format(text, call.heap().list({call.positional.begin(), call.positional.end()}, Flavor::tuple),
                              call.heap());
    }
    if (!call.positional.empty()) return fail(ErrorCode::invalid_argument, "values come either by place or by name");
    auto* dict = call.heap().make<Dict>();
    for (const Keyword& keyword : call.keywords)
        KRAIT_CHECK(set_entry(*dict, call.heap().text(keyword.name), keyword.value, call.budget()));
    return percent_format(text, Value::of(dict), call.heap());
}

Result<Value> center(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"width"}));
    KRAIT_TRY(const Value text, to_text(call.self, call.heap()));
    KRAIT_TRY(const int64_t width, is_given(bound[0]) ? expect_width(bound[0], "the width") : Result<int64_t>(80));
    KRAIT_TRY(const int64_t size, length(text, call.budget()));
    const int64_t padding = std::max<int64_t>(width - size, 0);
    const int64_t left = padding / 2 + (padding & width & 1);
    TextBuilder builder(call.budget());
    builder.append(std::string(static_cast<size_t>(left), ' '));
    builder.append(text.text->marked);
    builder.append(std::string(static_cast<size_t>(padding - left), ' '));
    return call.heap().text(builder);
}

Result<Value> tojson(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"ensure_ascii", "indent", "separators", "sort_keys"}));
    JsonStyle style;
    style.ensure_ascii = is_true(bound[0]);
    style.sort_keys = is_true(bound[3]);
    if (is_given(bound[1])) {
        KRAIT_TRY(style.indent, indentation(bound[1], 0));
        style.item_separator.bytes = ",";
    }
    if (is_given(bound[2])) {
        KRAIT_TRY(const auto separators, elements(bound[2], call.heap()));
        if (separators.size() != 2 || !separators[0].is(Kind::text) || !separators[1].is(Kind::text))
            return fail(ErrorCode::invalid_argument, "separators are two texts, as in (',', ':')");
        style.item_separator = separators[0].text->marked;
        style.key_separator = separators[1].text->marked;
    }
    TextBuilder builder(call.budget());
    KRAIT_CHECK(print_json(call.self, style, builder));
    return call.heap().text(builder);
}

Result<Value> from_json(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    KRAIT_TRY(const Value text, expect_text(call.self, "JSON"));
    call.budget().work(bytes_of(text).size() * 16);
    if (!call.budget().ok()) return Value();
    return read_json(bytes_of(text), text.text->marked.user.empty() ? Author::template_ : Author::user, call.heap());
}

constexpr NamedFunction kFilters[] = {
    {"string", string},         {"safe", safe},     {"trim", trim},     {"upper", upper},   {"lower", lower},
    {"capitalize", capitalize}, {"title", title},   {"escape", escape}, {"e", escape},      {"forceescape", escape},
    {"replace", replaced},      {"indent", indent}, {"format", format}, {"center", center}, {"tojson", tojson},
    {"from_json", from_json}};

}  // namespace

std::span<const NamedFunction> text_filters() { return kFilters; }

}  // namespace krait::chat
