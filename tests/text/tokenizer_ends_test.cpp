// SPDX-License-Identifier: Apache-2.0
//
// The tokens of a vocabulary that end a text.
#include <gtest/gtest.h>

#include "text/tokenizer/text_ends.hpp"

namespace krait::test {
namespace {

using Ids = std::vector<int32_t>;

TEST(TextEnds, AreThoseThatTheSpecNames) {
    TokenizerSpec spec{.tokens = {"a", "b", "c", "d"}, .eos = 2};
    EXPECT_EQ(text_ends(spec), Ids{2});
    spec.ends = {3, 0, 2, 3};
    EXPECT_EQ(text_ends(spec), (Ids{0, 2, 3}));
    spec.ends = {-1, 4, INT64_MAX, INT64_MIN};
    EXPECT_EQ(text_ends(spec), Ids{2});
}

// A letter sequence that looks like an end is none unless it is a control token.
TEST(TextEnds, AreControlTokensThatAreNamedSo) {
    const std::vector<std::string> tokens{"</s>", "<|im_end|>", "<|im_start|>", "<|endoftext|>", "<end_of_turn>", "<s>"};
    EXPECT_EQ(text_ends({.tokens = tokens, .token_types = {3, 3, 3, 3, 3, 3}}), (Ids{0, 1, 3, 4}));
    EXPECT_EQ(text_ends({.tokens = tokens, .token_types = {1, 3, 3, 4, 2, 5}}), Ids{1});
    EXPECT_EQ(text_ends({.tokens = tokens, .token_types = {3}}), Ids{0}) << "types that are missing";
    EXPECT_EQ(text_ends({.tokens = tokens}), Ids{});
    EXPECT_EQ(text_ends({.tokens = {"<\uFF5Cend\u2581of\u2581sentence\uFF5C>"}, .token_types = {3, 3, 3}}), Ids{0});
}

}  // namespace
}  // namespace krait::test
