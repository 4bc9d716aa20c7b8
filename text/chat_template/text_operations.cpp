// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/text_operations.hpp"

#include <algorithm>

#include "text/chat_template/characters.hpp"
#include "text/chat_template/percent_format.hpp"

namespace krait::chat {

bool is_given(const Value& value) { return !value.is(Kind::undefined) && !value.is(Kind::none); }

Result<Value> expect_text(const Value& value, std::string_view what) {
    if (value.is(Kind::text)) return value;
    return fail(ErrorCode::invalid_argument, "{} is a text, and this is of the type {}", what, type_name(value));
}

Result<int64_t> expect_integer(const Value& value, std::string_view what) {
    if (value.is_integral()) return value.as_integer();
    return fail(ErrorCode::invalid_argument, "{} is an integer, and this is of the type {}", what, type_name(value));
}

Result<int64_t> integer_or(const Value& value, int64_t fallback, std::string_view what) {
    return is_given(value) ? expect_integer(value, what) : fallback;
}

Result<int64_t> expect_width(const Value& value, std::string_view what) {
    KRAIT_TRY(const int64_t width, expect_integer(value, what));
    if (width > kMaxWidth) return fail(ErrorCode::invalid_argument, "{} is {}; at most {} are taken", what, width, kMaxWidth);
    return std::max<int64_t>(width, 0);
}

Result<Value> strip(const Value& text, const Value& chars, Side side, Heap& heap) {
    const std::string_view bytes = bytes_of(text);
    std::string_view set;
    const bool is_space_set = !is_given(chars);
    if (!is_space_set) {
        KRAIT_TRY(const Value given, expect_text(chars, "what is stripped"));
        set = bytes_of(given);
    }
    heap.budget().work(bytes.size());
    const auto goes = [&](size_t at) {
        if (is_space_set) return is_space(point_at(bytes, at));
        const std::string_view character = bytes.substr(at, length_at(bytes, at));
        heap.budget().work(set.size() * 16);
        return set.find(character) != set.npos;
    };
    size_t begin = 0, end = bytes.size();
    if (side != Side::right) {
        while (begin < end && goes(begin)) begin += length_at(bytes, begin);
    }
    if (side != Side::left) {
        while (end > begin && goes(previous(bytes, end))) end = previous(bytes, end);
    }
    heap.budget().work((begin + (bytes.size() - end)) * 8);
    return heap.part(text, begin, end);
}

namespace {

// Does `in` have `what` at `at`? `skipped` bytes were searched for its first byte before.
bool lies_at(std::string_view in, size_t at, std::string_view what, size_t skipped, Budget& budget) {
    const auto [end, ignored] = std::ranges::mismatch(what, in.substr(at));
    const auto n_same = static_cast<size_t>(end - what.begin());
    budget.work(skipped + 2 * n_same);
    return n_same == what.size();
}

}  // namespace

size_t find_first(std::string_view in, std::string_view what, size_t from, Budget& budget) {
    if (what.empty()) return from;
    while (budget.ok()) {
        const size_t at = in.find(what.front(), from);
        if (at == in.npos) break;
        if (lies_at(in, at, what, at - from, budget)) return at;
        from = at + 1;
    }
    budget.work(in.size() - from);
    return in.npos;
}

size_t find_last(std::string_view in, std::string_view what, Budget& budget) {
    if (what.empty()) return in.size();
    size_t end = in.size();
    while (budget.ok()) {
        const size_t at = in.substr(0, end).rfind(what.front());
        if (at == in.npos) break;
        if (lies_at(in, at, what, end - at, budget)) return at;
        end = at;
    }
    budget.work(end);
    return in.npos;
}

Value replace(const Value& text, const Value& old, const Value& with, int64_t count, Heap& heap) {
    const std::string_view bytes = bytes_of(text), what = bytes_of(old);
    const MarkedText &source = text.text->marked, &replacement = with.text->marked;
    TextBuilder builder(heap.budget());
    size_t done = 0;
    if (what.empty()) {  // in front of every character, and at the end
        while (count != 0 && heap.budget().ok()) {
            builder.append(replacement);
            --count;
            if (done == bytes.size()) break;
            const size_t length = length_at(bytes, done);
            builder.append(source, done, done + length);
            done += length;
        }
    } else {
        for (; count != 0; --count) {
            const size_t found = find_first(bytes, what, done, heap.budget());
            if (found == bytes.npos) break;
            builder.append(source, done, found);
            builder.append(replacement);
            done = found + what.size();
        }
    }
    builder.append(source, done, bytes.size());
    return heap.text(builder);
}

Value map_characters(const Value& text, CharacterMap map, Heap& heap) {
    const std::string_view bytes = bytes_of(text);
    TextBuilder builder(heap.budget());
    heap.budget().work(bytes.size() * 8);
    bool is_first = true;
    for (size_t at = 0; at < bytes.size() && heap.budget().ok();) {
        const size_t length = length_at(bytes, at);
        builder.append_as(map(point_at(bytes, at), is_first), text.text->marked, at);
        is_first = false;
        at += length;
    }
    return heap.text(builder);
}

std::vector<Value> split_lines(const Value& text, bool keep, Heap& heap) {
    const std::string_view bytes = bytes_of(text);
    std::vector<Value> lines;
    heap.budget().work(bytes.size() * 4);
    size_t begin = 0;
    for (size_t at = 0; at < bytes.size() && heap.budget().ok();) {
        const char32_t point = point_at(bytes, at);
        size_t next = at + length_at(bytes, at);
        const bool ends = (point >= 0x0A && point <= 0x0D) || (point >= 0x1C && point <= 0x1E) || point == 0x85 ||
                          point == 0x2028 || point == 0x2029;
        if (ends) {
            if (point == '\r' && next < bytes.size() && bytes[next] == '\n') ++next;
            lines.push_back(heap.part(text, begin, keep ? next : at));
            begin = next;
        }
        at = next;
    }
    if (begin < bytes.size()) lines.push_back(heap.part(text, begin, bytes.size()));
    return lines;
}

}  // namespace krait::chat
