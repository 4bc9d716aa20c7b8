// SPDX-License-Identifier: Apache-2.0
//
// Reads JSON (RFC 8259) value after value, by what is expected next, and knows the byte where it stands: for headers, indices
// and configurations of checkpoints, in which a name that comes twice and a number that is none are errors with a place.
// Nothing is built but the strings that are asked for; what is skipped may be nested kMaxDepth deep.
//
// Errors are corrupt_file and read "FILE: PART: TEXT at byte N ...", bytes counted from the beginning of the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace krait {

class JsonCursor {
  public:
    static constexpr int kMaxDepth = 64;

    // first_byte: where the text begins in the file. The text and the file's name must outlive the cursor.
    JsonCursor(std::string_view text, uint64_t first_byte, std::string_view file)
        : text_(text), first_byte_(first_byte), file_(file) {}

    // The part of errors from now on, a literal: "index"; with a name it reads "tensor 'a'".
    void enter(std::string_view part, std::string_view name = {}) { part_ = part, name_.assign(name); }
    [[nodiscard]] uint64_t position();  // of the next value, behind blanks

    template <class... Args>
    [[nodiscard]] tl::unexpected<Error> error(fmt::format_string<Args...> text, Args&&... args) const {
        return fail(ErrorCode::corrupt_file, "{}: {}: {}", file_, part(), fmt::format(text, std::forward<Args>(args)...));
    }

    [[nodiscard]] bool next_is(char c);  // behind blanks
    // what: "the header", "the shape", for errors.
    Result<void> expect(char c, std::string_view what);
    Result<std::string> string(std::string_view what, size_t max_bytes = SIZE_MAX);  // UTF-8
    Result<uint64_t> whole_number(std::string_view what);                            // 0 to 2^64 - 1, digits alone
    [[nodiscard]] bool take_word(std::string_view word);                             // behind blanks, where it is next
    // A number, true, false or null, as it is written.
    Result<std::string_view> word();
    Result<void> skip_value(int depth = 0);
    Result<void> end(std::string_view what);  // nothing follows but blanks

    // An object: member(key, byte of the key) reads each value. That keys are unique is the caller's to check.
    template <class Member>
    Result<void> object(std::string_view what, Member&& member) {
        KRAIT_CHECK(expect('{', what));
        if (take('}')) return {};
        do {
            const uint64_t at = position();
            KRAIT_TRY(const std::string key, string("a name", kMaxKeyBytes));
            KRAIT_CHECK(expect(':', "a name"));
            KRAIT_CHECK(member(key, at));
        } while (take(','));
        return expect('}', what);
    }
    // An array: element() reads each.
    template <class Element>
    Result<void> array(std::string_view what, Element&& element) {
        KRAIT_CHECK(expect('[', what));
        if (take(']')) return {};
        do KRAIT_CHECK(element());
        while (take(','));
        return expect(']', what);
    }

  private:
    static constexpr size_t kMaxKeyBytes = 65535;  // as in GGUF, which such names end in

    [[nodiscard]] std::string part() const;
    void skip_blanks();
    bool take(char c);  // behind blanks, where it is next
    [[nodiscard]] tl::unexpected<Error> unexpected(std::string_view wanted);
    Result<void> append_escape(std::string& text);
    Result<uint32_t> hex4();

    std::string_view text_;
    uint64_t first_byte_;
    std::string_view file_;
    std::string_view part_ = "header";
    std::string name_;
    size_t at_ = 0;
};

}  // namespace krait
