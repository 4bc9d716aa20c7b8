// SPDX-License-Identifier: Apache-2.0
//
// Methods of texts that ask something: "abc".startswith("a"), .find(), .isdigit().
#include "text/chat_template/characters.hpp"
#include "text/chat_template/operators.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

// The part of the text from character `start` to `end`, which arguments 1 and 2 are; and how many bytes precede it.
struct Window {
    std::string_view bytes;
    size_t offset;
};
Result<Window> window(const Call& call, const Value& start, const Value& end) {
    const std::string_view all = bytes_of(call.self);
    call.budget().work(all.size() * 4);
    if (!is_given(start) && !is_given(end)) return Window{all, 0};
    const auto n = static_cast<int64_t>(count_points(all));
    KRAIT_TRY(int64_t from, integer_or(start, 0, "where it begins"));
    KRAIT_TRY(int64_t to, integer_or(end, n, "where it ends"));
    from = from < 0 ? std::max<int64_t>(from + n, 0) : from;
    to = to < 0 ? std::max<int64_t>(to + n, 0) : std::min(to, n);
    if (from > to) return Window{{}, std::string_view::npos};  // where not even an empty text lies
    const size_t begin = byte_of_point(all, static_cast<size_t>(from));
    return Window{all.substr(begin, byte_of_point(all, static_cast<size_t>(to)) - begin), begin};
}

template <bool at_end>
Result<Value> touches(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"affix", "start", "end"}));
    KRAIT_TRY(const Window where, window(call, bound[1], bound[2]));
    std::vector<Value> affixes{bound[0]};
    if (bound[0].is(Kind::list) && bound[0].list->flavor == Flavor::tuple) affixes = bound[0].list->items;
    for (const Value& affix : affixes) {
        KRAIT_TRY(const Value text, expect_text(affix, at_end ? "what a text ends with" : "what a text begins with"));
        if (!call.budget().work(bytes_of(text).size())) break;
        if (where.offset == std::string_view::npos) continue;
        if (at_end ? where.bytes.ends_with(bytes_of(text)) : where.bytes.starts_with(bytes_of(text))) return Value::of(true);
    }
    return Value::of(false);
}

template <bool from_right, bool must_be_there>
Result<Value> find(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"sub", "start", "end"}));
    KRAIT_TRY(const Value what, expect_text(bound[0], "what is searched"));
    KRAIT_TRY(const Window where, window(call, bound[1], bound[2]));
    const size_t found = where.offset == std::string_view::npos ? std::string_view::npos
                         : from_right                           ? find_last(where.bytes, bytes_of(what), call.budget())
                                                                : find_first(where.bytes, bytes_of(what), 0, call.budget());
    if (found != std::string_view::npos) return Value::of(count_points(bytes_of(call.self).substr(0, where.offset + found)));
    if (must_be_there && call.budget().ok()) return fail(ErrorCode::invalid_argument, "the text does not hold the other one");
    return Value::of(int64_t{-1});
}

Result<Value> count(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind(1, {"sub", "start", "end"}));
    KRAIT_TRY(const Value what, expect_text(bound[0], "what is counted"));
    KRAIT_TRY(const Window where, window(call, bound[1], bound[2]));
    if (where.offset == std::string_view::npos) return Value::of(int64_t{0});
    const std::string_view part = bytes_of(what);
    if (part.empty()) return Value::of(count_points(where.bytes) + 1);
    int64_t n = 0;
    for (size_t at = 0; (at = find_first(where.bytes, part, at, call.budget())) != where.bytes.npos; at += part.size()) ++n;
    return Value::of(n);
}

// The text is not empty, and each of its characters is so.
template <bool (*Question)(char32_t)>
Result<Value> all(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    const std::string_view bytes = bytes_of(call.self);
    call.budget().work(bytes.size() * 16);
    for (size_t at = 0; at < bytes.size(); at += length_at(bytes, at)) {
        if (!Question(point_at(bytes, at))) return Value::of(false);
    }
    return Value::of(!bytes.empty());
}

bool is_letter_or_digit(char32_t point) { return is_letter(point) || is_digit(point); }

template <bool upper>
Result<Value> has_case(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    return find_test(upper ? "upper" : "lower")->function(call);
}

constexpr NamedFunction kMethods[] = {{"startswith", touches<false>},
                                      {"endswith", touches<true>},
                                      {"find", find<false, false>},
                                      {"rfind", find<true, false>},
                                      {"index", find<false, true>},
                                      {"rindex", find<true, true>},
                                      {"count", count},
                                      {"isdigit", all<is_digit>},
                                      {"isdecimal", all<is_digit>},
                                      {"isnumeric", all<is_digit>},
                                      {"isalpha", all<is_letter>},
                                      {"isalnum", all<is_letter_or_digit>},
                                      {"isspace", all<is_space>},
                                      {"isupper", has_case<true>},
                                      {"islower", has_case<false>}};

}  // namespace

std::span<const NamedFunction> text_test_methods() { return kMethods; }

}  // namespace krait::chat
