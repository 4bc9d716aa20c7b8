// SPDX-License-Identifier: Apache-2.0
//
// Grammars in the C API: masks of the demo model's tokens, logits, rollback, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <krait/krait.hpp>

namespace kr = krait::api;

namespace {

template <class T>
T value(kr::Result<T> result) {
    EXPECT_TRUE(static_cast<bool>(result)) << result.failure().message;
    return std::move(*result);
}

TEST(GrammarApi, FollowsATextOfTheModel) {
    const kr::Model model = value(kr::Model::open());
    const kr::Grammar grammar = value(kr::Grammar::create("root ::= \"It was\" \" not\"? \" so\"", KRAIT_GRAMMAR_GBNF));
    kr::GrammarState state = value(kr::GrammarState::create(grammar, model));
    const std::vector<int32_t> tokens = value(model.tokenize("It was so", KRAIT_TOKENIZE_PLAIN));
    for (const int32_t token : tokens) {
        std::vector<float> logits(static_cast<size_t>(model.n_vocab()), 1.0f);
        ASSERT_TRUE(state.apply(logits));
        EXPECT_EQ(logits[static_cast<size_t>(token)], 1.0f);
        EXPECT_GT(std::ranges::count(logits, -INFINITY), model.n_vocab() / 2);
        for (const int32_t end : model.ends()) EXPECT_EQ(logits[static_cast<size_t>(end)], -INFINITY);
        EXPECT_FALSE(state.is_accepting());
        ASSERT_TRUE(state.accept(token));
    }
    EXPECT_TRUE(state.is_accepting());
    EXPECT_TRUE(value(state.is_finished()));
    kr::GrammarState fork = value(state.clone());
    ASSERT_TRUE(fork.accept(model.ends().at(0)));
    for (const uint64_t word : value(fork.mask())) EXPECT_EQ(word, 0u);
    ASSERT_TRUE(state.rollback(tokens.size()));
    EXPECT_EQ(state.rollback(1).failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(state.accept(tokens.back()).failure().code, KRAIT_INVALID_ARGUMENT);
    ASSERT_TRUE(state.accept(tokens.front()));
    state.reset();
    ASSERT_TRUE(state.accept(tokens.front()));
}

TEST(GrammarApi, MatchesAndWarns) {
    krait_grammar_options options = KRAIT_GRAMMAR_OPTIONS_INIT;
    options.kind = KRAIT_GRAMMAR_JSON_SCHEMA;
    constexpr std::string_view kSchema = R"({"type": "array", "contains": {}})";
    EXPECT_EQ(kr::Grammar::create(kSchema, options).failure().code, KRAIT_INVALID_ARGUMENT);
    options.is_lenient = 1;
    const kr::Grammar grammar = value(kr::Grammar::create(kSchema, options));
    ASSERT_EQ(grammar.warnings().size(), 1u);
    EXPECT_NE(grammar.warnings()[0].find("#/contains"), std::string_view::npos);
    EXPECT_TRUE(value(grammar.match("[1]")).is_accepted);
    EXPECT_EQ(value(grammar.match("[1}")).n_matched, 2u);
}

TEST(GrammarApi, LazyGrammars) {
    krait_grammar_options options = KRAIT_GRAMMAR_OPTIONS_INIT;
    const char* const triggers[] = {"<call>"};
    options.triggers = triggers;
    options.n_trigger = 1;
    const kr::Grammar grammar = value(kr::Grammar::create("root ::= \"<call>\" [0-9]+", options));
    EXPECT_TRUE(value(grammar.match("free text")).is_accepted);
    EXPECT_FALSE(value(grammar.match("free text <call>x")).is_accepted);
}

TEST(GrammarApi, RefusesWhatIsWrong) {
    krait_grammar* grammar = nullptr;
    krait_failure failure{};
    krait_grammar_options options = KRAIT_GRAMMAR_OPTIONS_INIT;
    const uint32_t unknown = 4;
    std::memcpy(&options.kind, &unknown, sizeof unknown);
    EXPECT_EQ(krait_grammar_create("a", 1, &options, &grammar, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_grammar_create("root ::= x", 10, nullptr, &grammar, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_NE(std::string_view(failure.message).find("line 1, column 10: rule 'x' is not defined"), std::string_view::npos);
    EXPECT_EQ(grammar, nullptr);
    EXPECT_EQ(krait_grammar_create(nullptr, 1, nullptr, &grammar, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_grammar_state_accept(nullptr, 1, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_grammar_state_is_accepting(nullptr), -1);
    krait_grammar_state_reset(nullptr);
    krait_grammar_state_free(nullptr);
    krait_grammar_free(nullptr);
}

}  // namespace
