// SPDX-License-Identifier: Apache-2.0
//
// Methods of texts that make another value: "a b".split(), and so on.
#include <algorithm>

#include "text/chat_template/characters.hpp"
#include "text/chat_template/operators.hpp"
#include "text/chat_template/percent_format.hpp"
#include "text/chat_template/printing.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

template <Side side>
Result<Value> stripped(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"chars"}));
    return strip(call.self, bound[0], side, call.heap());
}

// Parts between runs of white space; at most `most` cuts, from the left or from the right.
std::vector<Value> split_at_space(const Value& text, int64_t most, bool from_right, Heap& heap) {
    const std::string_view bytes = bytes_of(text);
    std::vector<Value> parts;
    size_t begin = first_not_space(bytes), end = end_without_space(bytes);
    while (begin < end && heap.budget().step()) {
        const auto is_space_at = [&](size_t at) { return is_space(point_at(bytes, at)); };
        const bool is_rest = most >= 0 && static_cast<int64_t>(parts.size()) == most;
        if (!from_right) {
            size_t to = is_rest ? end : begin;
            while (to < end && !is_space_at(to)) to += length_at(bytes, to);
            parts.push_back(heap.part(text, begin, is_rest ? bytes.size() : to));
            begin = to;
            while (begin < end && is_space_at(begin)) begin += length_at(bytes, begin);
        } else {
            size_t from = is_rest ? begin : end;
            while (from > begin && !is_space_at(previous(bytes, from))) from = previous(bytes, from);
            parts.push_back(heap.part(text, is_rest ? 0 : from, end));
            end = from;
            while (end > begin && is_space_at(previous(bytes, end))) end = previous(bytes, end);
        }
    }
    if (from_right) std::ranges::reverse(parts);
    return parts;
}

std::vector<Value> split_at(const Value& text, std::string_view separator, int64_t most, bool from_right, Heap& heap) {
    const std::string_view bytes = bytes_of(text);
    std::vector<Value> parts;
    size_t begin = 0, end = bytes.size();
    while ((most < 0 || static_cast<int64_t>(parts.size()) < most) && heap.budget().step()) {
        const std::string_view rest = bytes.substr(begin, end - begin);
        const size_t found =
            from_right ? find_last(rest, separator, heap.budget()) : find_first(rest, separator, 0, heap.budget());
        if (found == rest.npos) break;
        if (from_right) {
            parts.push_back(heap.part(text, found + separator.size(), end));
            end = found;
        } else {
            parts.push_back(heap.part(text, begin, begin + found));
            begin += found + separator.size();
        }
    }
    parts.push_back(heap.part(text, begin, end));
    if (from_right) std::ranges::reverse(parts);
    return parts;
}

template <bool from_right>
Result<Value> split(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"sep", "maxsplit"}));
    KRAIT_TRY(const int64_t most, integer_or(bound[1], -1, "the number of cuts"));
    if (!is_given(bound[0])) {
        call.budget().work(bytes_of(call.self).size() * 8);
        return call.heap().list(split_at_space(call.self, most, from_right, call.heap()));
    }
    KRAIT_TRY(const Value separator, expect_text(bound[0], "the separator"));
    if (bytes_of(separator).empty()) return fail(ErrorCode::invalid_argument, "the separator is empty");
    return call.heap().list(split_at(call.self, bytes_of(separator), most, from_right, call.heap()));
}

template <bool from_right>
Result<Value> partition(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"sep"}));
    KRAIT_TRY(const Value separator, expect_text(bound[0], "the separator"));
    if (bytes_of(separator).empty()) return fail(ErrorCode::invalid_argument, "the separator is empty");
    auto parts = split_at(call.self, bytes_of(separator), 1, from_right, call.heap());
    const Value empty = call.heap().text("");
    if (parts.size() == 2) return call.heap().list({parts[0], separator, parts[1]}, Flavor::tuple);
    if (from_right) return call.heap().list({empty, empty, call.self}, Flavor::tuple);
    return call.heap().list({call.self, empty, empty}, Flavor::tuple);
}

Result<Value> split_into_lines(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"keepends"}));
    return call.heap().list(split_lines(call.self, is_true(bound[0]), call.heap()));
}

Result<Value> replaced(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(2, {"old", "new", "count"}));
    KRAIT_TRY(const Value old, expect_text(bound[0], "what is replaced"));
    KRAIT_TRY(const Value with, expect_text(bound[1], "the replacement"));
    KRAIT_TRY(const int64_t count, integer_or(bound[2], -1, "the number of replacements"));
    return replace(call.self, old, with, count, call.heap());
}

Result<Value> joined(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"iterable"}));
    KRAIT_TRY(const auto parts, elements(bound[0], call.heap()));
    TextBuilder builder(call.budget());
    for (size_t i = 0; i < parts.size() && call.budget().step(); ++i) {
        KRAIT_TRY(const Value part, expect_text(parts[i], "what is joined"));
        if (i > 0) builder.append(call.self.text->marked);
        builder.append(part.text->marked);
    }
    return call.heap().text(builder);
}

Result<Value> upper(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    return map_characters(
        call.self, [](char32_t point, bool) { return to_upper(point); }, call.heap());
}
Result<Value> lower(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    return map_characters(
        call.self, [](char32_t point, bool) { return to_lower(point); }, call.heap());
}
Result<Value> capitalize(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    return map_characters(
        call.self, [](char32_t point, bool is_first) { return is_first ? to_title(point) : to_lower(point); }, call.heap());
}
Result<Value> swapcase(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    return map_characters(
        call.self, [](char32_t point, bool) { return is_upper(point) ? to_lower(point) : to_upper(point); }, call.heap());
}

// Every run of letters begins in upper case.
Result<Value> title(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    const std::string_view bytes = bytes_of(call.self);
    TextBuilder builder(call.budget());
    call.budget().work(bytes.size() * 8);
    bool inside = false;
    for (size_t at = 0; at < bytes.size(); at += length_at(bytes, at)) {
        const char32_t point = point_at(bytes, at);
        builder.append_as(inside ? to_lower(point) : to_title(point), call.self.text->marked, at);
        inside = is_upper(point) || is_lower(point);
    }
    return call.heap().text(builder);
}

enum class Adjust : uint8_t { left, right, middle, zeros };
template <Adjust adjust>
Result<Value> adjusted(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"width", "fillchar"}));
    KRAIT_TRY(const int64_t width, expect_width(bound[0], "the width"));
    KRAIT_TRY(const int64_t size, length(call.self, call.budget()));
    MarkedText fill{adjust == Adjust::zeros ? "0" : " ", {}};
    if (is_given(bound[1])) {
        KRAIT_TRY(const Value given, expect_text(bound[1], "what is filled with"));
        fill = given.text->marked;
        if (count_points(fill.bytes) != 1) return fail(ErrorCode::invalid_argument, "what is filled with is one character");
    }
    const int64_t padding = std::max<int64_t>(width - size, 0);
    const int64_t before = adjust == Adjust::left     ? 0
                           : adjust == Adjust::middle ? padding / 2 + (padding & width & 1)
                                                      : padding;
    const std::string_view bytes = bytes_of(call.self);
    const size_t sign = adjust == Adjust::zeros && (bytes.starts_with('-') || bytes.starts_with('+')) ? 1 : 0;
    TextBuilder builder(call.budget());
    builder.append(call.self.text->marked, 0, sign);
    for (int64_t i = 0; i < before; ++i) builder.append(fill);
    builder.append(call.self.text->marked, sign, bytes.size());
    for (int64_t i = before; i < padding; ++i) builder.append(fill);
    return call.heap().text(builder);
}

template <bool at_end>
Result<Value> without(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"affix"}));
    KRAIT_TRY(const Value affix, expect_text(bound[0], "what is removed"));
    const std::string_view bytes = bytes_of(call.self), part = bytes_of(affix);
    call.budget().work(part.size());
    if (at_end ? !bytes.ends_with(part) : !bytes.starts_with(part)) return call.self;
    return at_end ? call.heap().part(call.self, 0, bytes.size() - part.size())
                  : call.heap().part(call.self, part.size(), bytes.size());
}

Result<Value> format(const Call& call) { return brace_format(call.self, call); }

constexpr NamedFunction kMethods[] = {{"strip", stripped<Side::both>},
                                      {"lstrip", stripped<Side::left>},
                                      {"rstrip", stripped<Side::right>},
                                      {"split", split<false>},
                                      {"rsplit", split<true>},
                                      {"partition", partition<false>},
                                      {"rpartition", partition<true>},
                                      {"splitlines", split_into_lines},
                                      {"replace", replaced},
                                      {"join", joined},
                                      {"upper", upper},
                                      {"lower", lower},
                                      {"casefold", lower},
                                      {"capitalize", capitalize},
                                      {"swapcase", swapcase},
                                      {"title", title},
                                      {"ljust", adjusted<Adjust::left>},
                                      {"rjust", adjusted<Adjust::right>},
                                      {"center", adjusted<Adjust::middle>},
                                      {"zfill", adjusted<Adjust::zeros>},
                                      {"removeprefix", without<false>},
                                      {"removesuffix", without<true>},
                                      {"format", format}};

}  // namespace

std::span<const NamedFunction> text_methods() { return kMethods; }

}  // namespace krait::chat
