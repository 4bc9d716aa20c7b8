// SPDX-License-Identifier: Apache-2.0
#include "formats/json/json_cursor.hpp"

#include <algorithm>
#include <charconv>

#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"

namespace krait {
namespace {

// How many characters of ASCII a text begins with that stand for themselves in a string.
size_t plain_length(std::string_view text) {
    const auto* const other = std::ranges::find_if(text, [](char c) {
        const auto byte = static_cast<uint8_t>(c);
        return byte < 0x20 || byte >= 0x80 || c == '"' || c == '\\';
    });
    return static_cast<size_t>(other - text.begin());
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The length of the number that a text begins with; 0 where there is none.
size_t number_length(std::string_view text) {
    size_t at = 0;
    const auto digits = [&] {
        const size_t from = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return at - from;
    };
    if (at < text.size() && text[at] == '-') ++at;
    const bool has_zero = at < text.size() && text[at] == '0';
    const size_t n_digit = digits();
    if (n_digit == 0 || (has_zero && n_digit > 1)) return 0;
    if (at < text.size() && text[at] == '.') {
        ++at;
        if (digits() == 0) return 0;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        if (digits() == 0) return 0;
    }
    return at;
}

}  // namespace

std::string JsonCursor::part() const { return name_.empty() ? std::string(part_) : fmt::format("{} {}", part_, quote(name_)); }

void JsonCursor::skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
}

uint64_t JsonCursor::position() {
    skip_blanks();
    return first_byte_ + at_;
}

bool JsonCursor::next_is(char c) {
    skip_blanks();
    return at_ < text_.size() && text_[at_] == c;
}

bool JsonCursor::take(char c) {
    const bool is_next = next_is(c);
    at_ += is_next;
    return is_next;
}

tl::unexpected<Error> JsonCursor::unexpected(std::string_view wanted) {
    const uint64_t at = position();
    if (at_ == text_.size()) return error("{} is expected at byte {}, where the text ends", wanted, at);
    return error("{} is expected at byte {}, where {} stands", wanted, at, quote(text_.substr(at_, 1)));
}

Result<void> JsonCursor::expect(char c, std::string_view what) {
    if (take(c)) return {};
    return unexpected(fmt::format("'{}' of {}", c, what));
}

Result<void> JsonCursor::end(std::string_view what) {
    skip_blanks();
    if (at_ == text_.size()) return {};
    return unexpected(fmt::format("the end of {}", what));
}

// ---- strings ---------------------------------------------------------------------------------------------------------

Result<uint32_t> JsonCursor::hex4() {
    uint32_t value = 0;
    const char* const from = text_.data() + at_;
    const size_t size = std::min<size_t>(4, text_.size() - at_);
    const auto [last, code] = std::from_chars(from, from + size, value, 16);
    if (code != std::errc{} || last != from + 4)
        return error("four hexadecimal digits are expected at byte {}, behind \\u", first_byte_ + at_);
    at_ += 4;
    return value;
}

// Behind a backslash.
Result<void> JsonCursor::append_escape(std::string& text) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
    const uint64_t at = first_byte_ + at_ - 1;
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    ++at_;
    if (const size_t known = c == '\0' ? kNames.npos : kNames.find(c); known != kNames.npos) {
        text += kValues[known];
        return {};
    }
    if (c != 'u') return error("the escape at byte {} is none of JSON's", at);
    KRAIT_TRY(uint32_t point, hex4());
    if (point >= 0xD800 && point < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
        at_ += 2;
        KRAIT_TRY(const uint32_t low, hex4());
        if (low >= 0xDC00 && low < 0xE000) point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    if (point >= 0xD800 && point < 0xE000) return error("the escape at byte {} is half of a surrogate pair", at);
    append_utf8(text, point);
    return {};
}

Result<std::string> JsonCursor::string(std::string_view what, size_t max_bytes) {
    const uint64_t begin = position();
    if (!take('"')) return unexpected(fmt::format("{} in quotes", what));
    std::string text;
    for (;;) {
        if (at_ >= text_.size()) return error("{} at byte {} has no closing quote", what, begin);
        if (text.size() > max_bytes)
            return error("{} at byte {} is longer than the {} bytes that are possible", what, begin, max_bytes);
        const char c = text_[at_];
        if (c == '"') break;
        if (static_cast<uint8_t>(c) < 0x20)
            return error("{} at byte {} has a control character at byte {}", what, begin, first_byte_ + at_);
        if (c == '\\') {
            ++at_;
            KRAIT_CHECK(append_escape(text));
            continue;
        }
        if (static_cast<uint8_t>(c) < 0x80) {
            const size_t size = plain_length(text_.substr(at_));
            text += text_.substr(at_, size);
            at_ += size;
            continue;
        }
        const Utf8Step step = utf8_step(text_.substr(at_, 4));
        if (step.kind != Utf8Kind::character)
            return error("{} at byte {} is not UTF-8 at byte {}", what, begin, first_byte_ + at_);
        text += text_.substr(at_, step.length);
        at_ += step.length;
    }
    ++at_;
    return text;
}

// ---- numbers and all else ----------------------------------------------------------------------------------------------

Result<uint64_t> JsonCursor::whole_number(std::string_view what) {
    const uint64_t begin = position();
    const std::string_view word = text_.substr(at_, number_length(text_.substr(at_)));
    uint64_t value = 0;
    const auto [last, code] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (word.empty()) return unexpected(fmt::format("{}, a whole number,", what));
    if (code == std::errc::result_out_of_range || last != word.data() + word.size())
        return error("{} at byte {} is {}; a whole number from 0 to {} is needed", what, begin, quote(word), UINT64_MAX);
    at_ += word.size();
    return value;
}

bool JsonCursor::take_word(std::string_view word) {
    skip_blanks();
    const bool is_next = text_.substr(at_).starts_with(word);
    if (is_next) at_ += word.size();
    return is_next;
}

Result<std::string_view> JsonCursor::word() {
    skip_blanks();
    const std::string_view rest = text_.substr(at_);
    size_t length = number_length(rest);
    for (const std::string_view known : {"true", "false", "null"})
        if (rest.starts_with(known)) length = known.size();
    if (length == 0) return unexpected("a value");
    at_ += length;
    return rest.substr(0, length);
}

Result<void> JsonCursor::skip_value(int depth) {
    const uint64_t at = position();
    if (depth > kMaxDepth) return error("values at byte {} are nested more than {} deep", at, kMaxDepth);
    if (next_is('"')) {
        KRAIT_CHECK(string("a text"));
        return {};
    }
    if (next_is('{')) return object("an object", [&](const std::string&, uint64_t) { return skip_value(depth + 1); });
    if (next_is('[')) return array("a list", [&] { return skip_value(depth + 1); });
    KRAIT_CHECK(word());
    return {};
}

}  // namespace krait
