// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/lexer.hpp"

#include <array>
#include <cctype>
#include <charconv>

#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "text/chat_template/characters.hpp"
#include "text/chat_template/string_literal.hpp"

namespace krait::chat {
namespace {

constexpr size_t kMaxTokens = size_t{1} << 20;
// The longest first.
constexpr std::array<std::string_view, 26> kSymbols{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                                    "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) {
    return is_digit_char(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<uint8_t>(c) >= 0x80;
}

// "\r\n" and "\r" become "\n", and one newline at the end goes.
std::string normalize(std::string_view source) {
    std::string text;
    text.reserve(source.size());
    for (size_t i = 0; i < source.size(); ++i) {
        if (source[i] == '\r') {
            text += '\n';
            if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
        } else {
            text += source[i];
        }
    }
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

class Lexer {
  public:
    explicit Lexer(std::string_view source) : text_(source) {}

    Result<std::vector<Token>> run() {
        while (at_ < text_.size()) {
            KRAIT_CHECK(read_data());
            if (tokens_.size() > kMaxTokens) return fail_at(place_, "the template has more than {} tokens", kMaxTokens);
        }
        add(TokenKind::end);
        return std::move(tokens_);
    }

  private:
    bool looking_at(std::string_view what) const { return text_.substr(at_).starts_with(what); }

    void advance(size_t n) {
        for (const size_t end = at_ + n; at_ < end; ++at_) {
            if (text_[at_] == '\n') {
                ++place_.line;
                place_.column = 1;
            } else {
                place_.column += (static_cast<uint8_t>(text_[at_]) & 0xC0) != 0x80;
            }
        }
    }
    void skip_space() { advance(first_not_space(text_.substr(at_))); }

    Token& add(TokenKind kind, std::string_view text = {}) {
        tokens_.push_back({kind, place_, std::string(text)});
        return tokens_.back();
    }

    // Text up to the next tag, then that tag. `text_` is at the beginning of a piece of text.
    Result<void> read_data() {
        const size_t begin = at_;
        size_t tag = begin;
        for (;; ++tag) {
            tag = text_.find('{', tag);
            if (tag == text_.npos || tag + 1 >= text_.size()) {
                add(TokenKind::data, text_.substr(begin));
                advance(text_.size() - begin);
                return {};
            }
            if (const char next = text_[tag + 1]; next == '{' || next == '%' || next == '#') break;
        }
        const char kind = text_[tag + 1];
        const char sign = tag + 2 < text_.size() ? text_[tag + 2] : '\0';
        add_data(text_.substr(begin, tag - begin), sign, kind != '{', begins_line_ && begin == line_begin_);
        advance(tag - begin);
        const Place open = place_;
        if (kind == '#') return read_comment(open);
        if (kind == '%' && raw_tag_length() > 0) return read_raw(open);
        add(kind == '{' ? TokenKind::output_begin : TokenKind::block_begin);
        advance(sign == '-' || sign == '+' ? 3 : 2);
        return read_tag(open, kind == '{');
    }

    // The text in front of a tag, less the blanks that the tag takes away.
    void add_data(std::string_view data, char sign, bool may_strip_line, bool begins_line) {
        if (sign == '-') {
            data = data.substr(0, end_without_space(data));
        } else if (sign != '+' && may_strip_line) {
            const size_t newline = data.rfind('\n');
            const size_t line = newline == data.npos ? 0 : newline + 1;
            const bool is_whole_line = newline != data.npos || begins_line;
            if (is_whole_line && first_not_space(data.substr(line)) == data.size() - line) data = data.substr(0, line);
        }
        if (!data.empty()) add(TokenKind::data, data);
    }

    // Behind a tag: `sign` stands in front of its end. Blocks and comments take the newline that follows.
    void end_tag(char sign, bool takes_newline) {
        if (sign == '-') {
            skip_space();
        } else if (sign != '+' && takes_newline && looking_at("\n")) {
            advance(1);
        }
        begins_line_ = at_ > 0 && text_[at_ - 1] == '\n';
        line_begin_ = at_;
    }

    Result<void> read_comment(Place open) {
        const size_t begin = at_ + (looking_at("{#-") || looking_at("{#+") ? 3 : 2);
        const size_t end = text_.find("#}", begin);
        if (end == text_.npos) return fail_at(open, "the comment has no end: #}}");
        const char sign = end > begin ? text_[end - 1] : '\0';
        advance(end + 2 - at_);
        end_tag(sign, true);
        return {};
    }

    // The length of {% raw %} or {% endraw %} at the current place; 0 where there is none. `sign` becomes that at its end.
    size_t raw_tag_length(std::string_view name = "raw", char* sign = nullptr) const {
        std::string_view rest = text_.substr(at_ + 2);
        if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
        rest.remove_prefix(first_not_space(rest));
        if (!rest.starts_with(name)) return 0;
        rest.remove_prefix(name.size());
        rest.remove_prefix(first_not_space(rest));
        const bool has_sign = rest.starts_with('-') || (name != "raw" && rest.starts_with('+'));
        if (sign) *sign = has_sign ? rest.front() : '\0';
        if (has_sign) rest.remove_prefix(1);
        if (!rest.starts_with("%}")) return 0;
        return static_cast<size_t>(rest.data() + 2 - (text_.data() + at_));
    }

    Result<void> read_raw(Place open) {
        char sign = '\0';
        advance(raw_tag_length("raw", &sign));
        end_tag(sign, false);
        const size_t begin = at_;
        for (;;) {
            const size_t tag = text_.find("{%", at_);
            if (tag == text_.npos) return fail_at(open, "the raw block has no end: {{% endraw %}}");
            advance(tag - at_);
            if (const size_t length = raw_tag_length("endraw", &sign)) {
                add_data(text_.substr(begin, tag - begin), text_[tag + 2], true, begins_line_ && begin == line_begin_);
                advance(length);
                end_tag(sign, true);
                return {};
            }
            advance(2);
        }
    }

    // Tokens up to the end of a tag. Inside of brackets nothing ends it.
    Result<void> read_tag(Place open, bool is_output) {
        const std::string_view end = is_output ? "}}" : "%}";
        std::string brackets;
        for (;;) {
            skip_space();
            if (at_ >= text_.size()) return fail_at(open, "the tag has no end: {}", end);
            const bool has_sign =
                (looking_at("-") || (looking_at("+") && !is_output)) && text_.substr(at_ + 1).starts_with(end);
            if (brackets.empty() && (has_sign || looking_at(end))) {
                const char sign = has_sign ? text_[at_] : '\0';
                add(is_output ? TokenKind::output_end : TokenKind::block_end);
                advance(end.size() + (has_sign ? 1 : 0));
                end_tag(sign, !is_output);
                return {};
            }
            KRAIT_CHECK(read_token(brackets));
        }
    }

    Result<void> read_token(std::string& brackets) {
        const char first = text_[at_];
        if (is_digit_char(first)) return read_number();
        if (is_name_char(first)) {
            size_t n = 1;
            while (at_ + n < text_.size() && is_name_char(text_[at_ + n])) ++n;
            add(TokenKind::name, text_.substr(at_, n));
            advance(n);
            return {};
        }
        if (first == '"' || first == '\'') return read_string(first);
        for (const std::string_view symbol : kSymbols) {
            if (!looking_at(symbol)) continue;
            KRAIT_CHECK(balance(brackets, symbol));
            add(TokenKind::symbol, symbol);
            advance(symbol.size());
            return {};
        }
        return fail_at(place_, "{} is no part of an expression", quote(text_.substr(at_, length_at(text_, at_))));
    }

    Result<void> balance(std::string& brackets, std::string_view symbol) const {
        constexpr std::string_view kOpen = "([{", kClose = ")]}";
        if (symbol.size() > 1) return {};
        if (const size_t kind = kOpen.find(symbol); kind != kOpen.npos) {
            if (brackets.size() == kMaxNesting) return fail_at(place_, "brackets are nested more than {} deep", kMaxNesting);
            brackets += kClose[kind];
        } else if (kClose.find(symbol) != kClose.npos) {
            if (brackets.empty()) return fail_at(place_, "unexpected {}, which closes nothing", quote(symbol));
            if (brackets.back() != symbol[0])
                return fail_at(place_, "unexpected {}, where {} is open", quote(symbol),
                               quote(brackets.substr(brackets.size() - 1)));
            brackets.pop_back();
        }
        return {};
    }

    Result<void> read_string(char mark) {
        size_t end = at_ + 1;
        while (end < text_.size() && text_[end] != mark) end += text_[end] == '\\' ? 2 : 1;
        if (end >= text_.size()) return fail_at(place_, "the string has no end");
        auto resolved = resolve_escapes(text_.substr(at_ + 1, end - at_ - 1));
        if (!resolved) return fail_at(place_, "the string holds an escape (\\x, \\u, \\U, \\0) that names no character");
        add(TokenKind::string, *resolved);
        advance(end + 1 - at_);
        return {};
    }

    // How many digits begin at `at`, with single underscores between them.
    size_t digits_at(size_t at) const {
        size_t n = 0;
        while (at + n < text_.size() &&
               (is_digit_char(text_[at + n]) || (n > 0 && text_[at + n] == '_' && text_[at + n - 1] != '_')))
            ++n;
        return n > 0 && text_[at + n - 1] == '_' ? n - 1 : n;
    }

    Result<void> read_number() {
        const bool is_attribute = at_ > 0 && text_[at_ - 1] == '.';  // a.0.1: two items
        size_t end = at_ + digits_at(at_);
        bool is_real = false;
        if (!is_attribute && end < text_.size() && text_[end] == '.' && digits_at(end + 1) > 0) {
            end += 1 + digits_at(end + 1);
            is_real = true;
        }
        if (!is_attribute && end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
            const size_t sign = end + 1 < text_.size() && (text_[end + 1] == '+' || text_[end + 1] == '-') ? 1 : 0;
            if (const size_t n = digits_at(end + 1 + sign); n > 0) {
                end += 1 + sign + n;
                is_real = true;
            }
        }
        std::string digits(text_.substr(at_, end - at_));
        int base = 10;
        if (digits == "0" && end < text_.size()) {
            const char letter = static_cast<char>(text_[end] | 0x20);
            base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
            if (base != 10) {
                const size_t begin = ++end;
                while (end < text_.size() && (std::isxdigit(static_cast<unsigned char>(text_[end])) || text_[end] == '_'))
                    ++end;
                digits = text_.substr(begin, end - begin);
            }
        }
        std::erase(digits, '_');
        const char* last = digits.data() + digits.size();
        Token number{is_real ? TokenKind::real : TokenKind::integer, place_, {}};
        const auto read = is_real ? std::from_chars(digits.data(), last, number.real)
                                  : std::from_chars(digits.data(), last, number.integer, base);
        if (read.ptr != last || (read.ec != std::errc() && !is_real))
            return fail_at(place_, "{} is no number, or an integer of more than 64 bits", quote(digits));
        if (!is_real && base == 10 && digits.size() > 1 && digits[0] == '0' && number.integer != 0)
            return fail_at(place_, "an integer does not begin with 0: {}", quote(digits));
        tokens_.push_back(std::move(number));
        advance(end - at_);
        return {};
    }

    const std::string_view text_;
    size_t at_ = 0;
    Place place_;
    bool begins_line_ = true;  // of what follows the latest tag
    size_t line_begin_ = 0;    // where that is
    std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> read_tokens(std::string_view source) {
    if (source.size() > kMaxSourceBytes) {
        return fail(ErrorCode::invalid_argument, "the template has {} bytes; at most {} are taken", source.size(),
                    kMaxSourceBytes);
    }
    for (size_t at = 0; at < source.size();) {
        const Utf8Step step = utf8_step(source.substr(at));
        if (step.kind != Utf8Kind::character)
            return fail(ErrorCode::invalid_argument, "byte {} of the template is no UTF-8", at);
        at += step.length;
    }
    const std::string text = normalize(source);
    return Lexer(text).run();
}

}  // namespace krait::chat
