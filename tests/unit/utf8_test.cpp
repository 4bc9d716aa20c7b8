// SPDX-License-Identifier: Apache-2.0
//
// Every code point there and back, and bytes that are none (The Unicode Standard 15, table 3-7).
#include "core/base/utf8.hpp"

#include <gtest/gtest.h>

namespace krait {
namespace {

TEST(Utf8, EveryCodePointComesBack) {
    for (char32_t point = 0; point <= 0x10FFFF; ++point) {
        if (point >= 0xD800 && point < 0xE000) continue;
        std::string text;
        append_utf8(text, point);
        ASSERT_EQ(text.size(), point < 0x80 ? 1u : point < 0x800 ? 2u : point < 0x10000 ? 3u : 4u);
        const Utf8Step step = utf8_step(text);
        ASSERT_TRUE(step.kind == Utf8Kind::character && step.length == text.size()) << static_cast<uint32_t>(point);
        ASSERT_EQ(utf8_code_point(text), point);
    }
}

TEST(Utf8, Prefixes) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("a\u00e9\u4e16\U0001F600"));
    for (const char* text : {"\x80", "\xC0\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5", "\xE4\xB8"})
        EXPECT_FALSE(is_utf8(text)) << text;
    EXPECT_EQ(valid_prefix("\u00e9a\xFFz"), 3u);
    EXPECT_EQ(invalid_prefix("\xFF\xE4\xB8z"), 3u);
    EXPECT_EQ(invalid_prefix("z\xFF"), 0u);
}

}  // namespace
}  // namespace krait
