// SPDX-License-Identifier: Apache-2.0
//
// Quoted texts, as Python and JSON write them: every character as it is or as its escape, which keeps the character's mark.
#pragma once

#include "text/chat_template/characters.hpp"
#include "text/chat_template/marked_text.hpp"

namespace krait::chat {

// `text` between two marks. escape(character): in its place, as a std::string; empty: the character stays.
template <class Escape>
void append_quoted(const MarkedText& text, char mark, Escape&& escape, TextBuilder& out) {
    const std::string_view bytes = text.bytes, quote(&mark, 1);
    out.append(quote);
    out.work(bytes.size() * 4);
    size_t written = 0;
    for (size_t at = 0; at < bytes.size();) {
        const size_t length = length_at(bytes, at);
        if (const std::string escaped = escape(point_at(bytes, at)); !escaped.empty()) {
            out.work(64);
            out.append(text, written, at);
            out.append_as(escaped, text, at);
            written = at + length;
        }
        at += length;
    }
    out.append(text, written, bytes.size());
    out.append(quote);
}

}  // namespace krait::chat
