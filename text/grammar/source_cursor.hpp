// SPDX-License-Identifier: Apache-2.0
//
// The source of a grammar or a regular expression, character by character, with places for messages. The source must be UTF-8.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/printable.hpp"
#include "core/base/result.hpp"
#include "core/base/text_position.hpp"
#include "core/base/utf8.hpp"

namespace krait::grammar {

class SourceCursor {
  public:
    // name: in front of messages, "the grammar".
    SourceCursor(std::string_view source, std::string_view name) : source_(source), name_(name) {}

    [[nodiscard]] size_t at() const { return at_; }
    [[nodiscard]] bool is_done() const { return at_ == source_.size(); }
    [[nodiscard]] std::string_view rest() const { return source_.substr(at_); }
    [[nodiscard]] char peek() const { return is_done() ? '\0' : source_[at_]; }  // also where a NUL stands: ask is_done()
    [[nodiscard]] bool sees(std::string_view text) const { return rest().starts_with(text); }
    bool take(std::string_view text) {
        if (!sees(text)) return false;
        at_ += text.size();
        return true;
    }
    void skip(size_t n_byte = 1) { at_ += n_byte; }
    [[nodiscard]] std::string_view since(size_t begin) const { return source_.substr(begin, at_ - begin); }

    char32_t take_character() {
        const size_t length = utf8_step(rest()).length;
        const char32_t point = utf8_code_point(rest().substr(0, length));
        at_ += length;
        return point;
    }
    // Exactly n hexadecimal digits.
    std::optional<char32_t> take_hex(size_t n) {
        char32_t value = 0;
        for (size_t i = 0; i < n; ++i) {
            const char c = i < rest().size() ? rest()[i] : '\0';
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) return {};
            value = value << 4 | static_cast<char32_t>(digit);
        }
        at_ += n;
        return value;
    }
    // The digits that stand here; more than 10^18 stays that.
    std::optional<uint64_t> take_number() {
        constexpr uint64_t kMax = 1'000'000'000'000'000'000;
        const size_t begin = at_;
        uint64_t value = 0;
        for (; !is_done() && peek() >= '0' && peek() <= '9'; skip())
            value = value > kMax / 10 ? kMax : value * 10 + static_cast<uint64_t>(peek() - '0');
        return at_ == begin ? std::optional<uint64_t>() : value;
    }

    // "the grammar, line 2, column 5: ..."; columns are characters.
    template <class... Args>
    [[nodiscard]] tl::unexpected<Error> error(size_t place, fmt::format_string<Args...> text, Args&&... args) const {
        const auto [line, column] = text_position(source_, place);
        return fail(ErrorCode::invalid_argument, "{}, line {}, column {}: {}", name_, line, column,
                    fmt::format(text, std::forward<Args>(args)...));
    }
    [[nodiscard]] Result<void> check_utf8() const {
        const size_t valid = valid_prefix(source_);
        if (valid == source_.size()) return {};
        return error(valid, "byte {:#04x} is no UTF-8", static_cast<uint8_t>(source_[valid]));
    }

  private:
    std::string_view source_, name_;
    size_t at_ = 0;
};

}  // namespace krait::grammar
