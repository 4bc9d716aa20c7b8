// SPDX-License-Identifier: Apache-2.0
//
// Text that remembers who wrote which part of it: the template (with the application's own texts), or the people whose
// messages, documents and tools it renders. Special tokens are recognized in the template's parts alone, so that nobody can end
// a turn by writing "<|im_end|>". Every operation on texts goes through TextBuilder, which keeps the marks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/byte_range.hpp"
#include "text/chat_template/limits.hpp"

namespace krait::chat {

struct MarkedText {
    std::string bytes;            // UTF-8
    std::vector<ByteRange> user;  // parts that users wrote: ascending, none empty, not touching each other
};

// Appends, and charges a budget for it; once the budget is spent nothing is appended any more.
class TextBuilder {
  public:
    explicit TextBuilder(Budget& budget) : budget_(budget) {}

    void append(std::string_view text, bool is_user = false);
    void append(const MarkedText& text) { append(text, 0, text.bytes.size()); }
    void append(const MarkedText& text, size_t begin, size_t end);  // a range of its bytes
    // The replacement of a character of `text` at byte `begin`, marked as that character is.
    void append_as(std::string_view replacement, const MarkedText& text, size_t begin);
    bool step() { return budget_.step(); }  // of who writes values into it; false: nothing is appended any more
    // Of who looks at n bytes for what is written.
    void work(uint64_t n) { budget_.work(n); }
    size_t size() const { return text_.bytes.size(); }
    MarkedText take() { return std::move(text_); }

  private:
    void mark(size_t begin, size_t end);
    MarkedText text_;
    Budget& budget_;
};

bool is_user_byte(const MarkedText& text, size_t at);

}  // namespace krait::chat
