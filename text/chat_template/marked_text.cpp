// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/marked_text.hpp"

#include <algorithm>

namespace krait::chat {
namespace {

// The first range that ends behind `at`.
auto range_behind(const MarkedText& text, size_t at) { return std::ranges::upper_bound(text.user, at, {}, &ByteRange::end); }

}  // namespace

bool is_user_byte(const MarkedText& text, size_t at) {
    const auto range = range_behind(text, at);
    return range != text.user.end() && range->begin <= at;
}

void TextBuilder::mark(size_t begin, size_t end) {
    if (begin == end) return;
    if (!text_.user.empty() && text_.user.back().end == begin) {
        text_.user.back().end = end;
    } else {
        budget_.take(sizeof(ByteRange));
        text_.user.push_back({begin, end});
    }
}

void TextBuilder::append(std::string_view text, bool is_user) {
    if (!budget_.take(text.size())) return;
    const size_t begin = text_.bytes.size();
    text_.bytes += text;
    if (is_user) mark(begin, text_.bytes.size());
}

void TextBuilder::append(const MarkedText& text, size_t begin, size_t end) {
    if (begin >= end || !budget_.take(end - begin)) return;
    const size_t shift = text_.bytes.size() - begin;  // wraps, and back again
    text_.bytes.append(text.bytes, begin, end - begin);
    for (auto range = range_behind(text, begin); range != text.user.end() && range->begin < end; ++range)
        mark(std::max(range->begin, begin) + shift, std::min(range->end, end) + shift);
}

void TextBuilder::append_as(std::string_view replacement, const MarkedText& text, size_t begin) {
    append(replacement, is_user_byte(text, begin));
}

}  // namespace krait::chat
