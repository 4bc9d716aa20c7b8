// SPDX-License-Identifier: Apache-2.0
//
// Tokens to text as they come: whole characters, stop texts, prompts.
#include <gtest/gtest.h>
#include <krait/krait.h>

#include <cstring>
#include <krait/krait.hpp>

#include "tests/capi/value.hpp"

namespace kr = krait::api;

namespace {

using krait::test::value;

// A character of three bytes, each a token of its own in the demo model's vocabulary or a part of one.
constexpr const char* kEuro = "\xe2\x82\xac";

TEST(CApiDetokenizer, HandsOutWholeCharacters) {
    const kr::Model model = value(kr::Model::open());
    kr::Detokenizer out = value(kr::Detokenizer::create(model));
    const std::string text = std::string("It cost 5 ") + kEuro + " then";
    std::string shown;
    bool held_back = false;
    for (const int32_t token : value(model.tokenize(text))) {
        const std::string_view piece = value(out.push(token));
        held_back = held_back || piece.empty();
        // No piece ends inside the character.
        const bool has_part = piece.find('\xe2') != std::string_view::npos || piece.find('\xac') != std::string_view::npos;
        EXPECT_TRUE(!has_part || piece.find(kEuro) != std::string_view::npos) << piece;
        shown += piece;
    }
    shown += value(out.finish());
    EXPECT_EQ(shown, text);
    EXPECT_TRUE(held_back) << "the character has several tokens";
}

TEST(CApiDetokenizer, WhatIsCutOffBecomesTheReplacementCharacter) {
    const kr::Model model = value(kr::Model::open());
    kr::Detokenizer out = value(kr::Detokenizer::create(model));
    for (const int32_t token : value(model.tokenize(std::string(kEuro, 2)))) EXPECT_EQ(value(out.push(token)), "");
    EXPECT_EQ(value(out.finish()), "\xef\xbf\xbd");
    EXPECT_EQ(value(out.finish()), "") << "as new";
}

TEST(CApiDetokenizer, EndsBeforeAStopText) {
    const kr::Model model = value(kr::Model::open());
    const std::vector<std::string> stops{" said", "Mr"};
    kr::Detokenizer out = value(kr::Detokenizer::create(model, stops));
    std::string shown;
    for (const int32_t token : value(model.tokenize("She said yes"))) shown += value(out.push(token));
    EXPECT_EQ(shown, "She");
    EXPECT_TRUE(out.is_stopped());
    EXPECT_EQ(value(out.finish()), "");
    EXPECT_FALSE(out.is_stopped());
    shown.clear();
    for (const int32_t token : value(model.tokenize("M"))) shown += value(out.push(token));
    EXPECT_EQ(shown, "") << "it may become Mr";
    EXPECT_EQ(value(out.finish()), "M");
}

TEST(CApiDetokenizer, StopTextsOfAPromptDoNotCount) {
    const kr::Model model = value(kr::Model::open());
    const std::vector<std::string> stops{" said"};
    kr::Detokenizer out = value(kr::Detokenizer::create(model, stops));
    std::vector<int32_t> prompt = value(model.tokenize("She said"));
    prompt.push_back(1 << 20);  // no token: left out
    EXPECT_EQ(value(out.prompt(prompt)), "She said");
    EXPECT_FALSE(out.is_stopped());
    EXPECT_EQ(value(out.push(value(model.tokenize(" yes", KRAIT_TOKENIZE_PLAIN))[0])).substr(0, 1), " ");
}

// The tokens of a prompt follow text that may have become a stop text: it comes first, and is none.
TEST(CApiDetokenizer, APromptEndsWhatIsHeldBack) {
    const kr::Model model = value(kr::Model::open());
    const std::vector<std::string> stops{" said so"};
    kr::Detokenizer out = value(kr::Detokenizer::create(model, stops));
    std::string text;
    const std::vector<int32_t> said = value(model.tokenize(" said", KRAIT_TOKENIZE_PLAIN)),
                               so = value(model.tokenize(" so", KRAIT_TOKENIZE_PLAIN));
    for (const int32_t token : said) text += value(out.push(token));
    EXPECT_EQ(text, "") << "all of it may become the stop text";
    text += value(out.prompt(value(model.tokenize(" Yes", KRAIT_TOKENIZE_PLAIN))));
    EXPECT_EQ(text, " said Yes");
    for (const int32_t token : so) text += value(out.push(token));
    text += value(out.finish());
    EXPECT_EQ(text, " said Yes so");

    for (const std::vector<int32_t>& tokens : {said, so})
        for (const int32_t token : tokens) EXPECT_EQ(value(out.push(token)), "");
    ASSERT_TRUE(out.is_stopped());
    EXPECT_EQ(value(out.prompt(so)), "") << "behind the end";
}

TEST(CApiDetokenizer, MistakesAreSentences) {
    const kr::Model model = value(kr::Model::open());
    krait_detokenizer_options options = KRAIT_DETOKENIZER_OPTIONS_INIT;
    krait_detokenizer* handle = nullptr;
    krait_failure failure{};
    EXPECT_EQ(krait_detokenizer_create(nullptr, nullptr, &handle, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_detokenizer_create(model.get(), nullptr, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    options.n_stop = 1;
    EXPECT_EQ(krait_detokenizer_create(model.get(), &options, &handle, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_STREQ(failure.message, "stops is NULL");
    const char* empty[] = {""};
    options.stops = empty;
    EXPECT_EQ(krait_detokenizer_create(model.get(), &options, &handle, &failure), KRAIT_INVALID_ARGUMENT);
    options.struct_size = sizeof options + 8;
    EXPECT_EQ(krait_detokenizer_create(model.get(), &options, &handle, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(handle, nullptr);
    kr::Detokenizer out = value(kr::Detokenizer::create(model));
    EXPECT_EQ(out.push(-1).failure().code, KRAIT_INVALID_ARGUMENT);
    const char* text = nullptr;
    size_t size = 0;
    EXPECT_EQ(krait_detokenizer_push(nullptr, 1, &text, &size, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_detokenizer_push(out.get(), 1, nullptr, &size, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_detokenizer_prompt(out.get(), nullptr, 1, &text, &size, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_detokenizer_finish(out.get(), &text, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_detokenizer_is_stopped(nullptr), 0);
    krait_detokenizer_free(nullptr);
}

}  // namespace
