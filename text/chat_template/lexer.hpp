// SPDX-License-Identifier: Apache-2.0
//
// A template's source as tokens. White space around tags goes as transformers has Jinja do it: the newline behind a block or a
// comment and the blanks in front of one that begins a line are dropped (trim_blocks, lstrip_blocks), "-" drops all white space
// on its side, "+" keeps it, and one newline at the end of the source is dropped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/chat_template/syntax.hpp"

namespace krait::chat {

enum class TokenKind : uint8_t {
    data,
    output_begin,
    output_end,
    block_begin,
    block_end,
    name,
    string,
    integer,
    real,
    symbol,
    end
};

struct Token {
    TokenKind kind = TokenKind::end;
    Place place;
    std::string text;  // of a string what it stands for; of a symbol what is written: "=="
    int64_t integer = 0;
    double real = 0;

    bool is(std::string_view symbol) const { return kind == TokenKind::symbol && text == symbol; }
    bool is_name(std::string_view name) const { return kind == TokenKind::name && text == name; }
};

Result<std::vector<Token>> read_tokens(std::string_view source);

// "line 3, column 14: ..."
template <class... Args>
tl::unexpected<Error> fail_at(Place place, fmt::format_string<Args...> text, Args&&... args) {
    return fail(ErrorCode::invalid_argument, "line {}, column {}: {}", place.line, place.column,
                fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace krait::chat
