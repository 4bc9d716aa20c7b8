// SPDX-License-Identifier: Apache-2.0
//
// No byte that a terminal would obey gets through, and what it would show stays.
#include "core/base/printable.hpp"

#include <gtest/gtest.h>

namespace krait {
namespace {

TEST(Printable, NamesAreOneLine) {
    EXPECT_EQ(printable("blk.0.ssm_in.weight"), "blk.0.ssm_in.weight");
    EXPECT_EQ(printable("\x1b]8;;x\x1b\\ a\nb\tc\r\x7f"), "\\x1b]8;;x\\x1b\\ a\\nb\\tc\\x0d\\x7f");
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(printable("\u00e9\u4e16\U0001F600"), "\u00e9\u4e16\U0001F600");
}

TEST(Printable, TextKeepsItsLines) { EXPECT_EQ(printable_text("a\n\tb\r\n\x1b[2J"), "a\n\tb\\x0d\n\\x1b[2J"); }

// C1 as UTF-8 and as a byte; characters that turn the direction of writing; halves of characters, overlong forms, surrogates.
TEST(Printable, NothingBeyondAsciiIsObeyed) {
    EXPECT_EQ(printable("\xC2\x80\xC2\x9B\xC2\x9F\xC2\xA0"), "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xC2\xA0");
    EXPECT_EQ(printable("\x9b"), "\\x9b");
    EXPECT_EQ(printable("a\u202Eb\u2066c\u2069"), "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6c\\xe2\\x81\\xa9");
    EXPECT_EQ(printable("\u2029\u202F\u2065\u206A"), "\u2029\u202F\u2065\u206A");
    EXPECT_EQ(printable("\xC3"), "\\xc3");
    EXPECT_EQ(printable("\xC0\x9B\xED\xA0\x80"), "\\xc0\\x9b\\xed\\xa0\\x80");
}

TEST(Printable, EveryByteAlone) {
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        for (const std::string& text : {printable({&c, 1}), printable_text({&c, 1}), quote({&c, 1})})
            for (const char shown : text)
                EXPECT_TRUE((shown >= ' ' && shown < 0x7F) || (shown == c && (c == '\n' || c == '\t'))) << "byte " << byte;
    }
}

TEST(Printable, QuotesEscapeTheBackslashAndCut) {
    EXPECT_EQ(quote("a\\\n\x1b", '"', 99), "\"a\\\\\\n\\x1b\"");
    EXPECT_EQ(quote(std::string(100, 'x'), '\'', 3), "'xxx'... (100 bytes in all)");
    EXPECT_EQ(quote("abc\u00fc", '\'', 4), "'abc'... (5 bytes in all)");  // never half a character
    EXPECT_EQ(quote(""), "''");
}

}  // namespace
}  // namespace krait
