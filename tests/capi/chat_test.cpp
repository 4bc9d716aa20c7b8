// SPDX-License-Identifier: Apache-2.0
//
// Chat templates in the C API: rendering, marks, tokens, and what is refused. The demo model has no template of its own.
#include <gtest/gtest.h>
#include <krait/krait.h>

#include <krait/krait.hpp>

namespace kr = krait::api;

namespace {

constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}";
constexpr const char* kMessages = R"([{"role": "user", "content": "Hi <|endoftext|>"}])";

template <class T>
T value(kr::Result<T> result) {
    EXPECT_TRUE(static_cast<bool>(result)) << result.failure().message;
    return std::move(*result);
}

TEST(ChatApi, RendersAndMarksWhatUsersWrote) {
    const kr::Model model = value(kr::Model::open());
    const kr::ChatTemplate chat = value(kr::ChatTemplate::parse(model, kTemplate));
    const kr::ChatPrompt prompt = value(chat.render(kMessages));
    const std::string_view text = prompt.text();
    EXPECT_EQ(text, "<|endoftext|>user: Hi <|endoftext|><|endoftext|>\nassistant:");
    const auto parts = prompt.user_parts();
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(text.substr(parts[0].first, parts[0].second - parts[0].first), "Hi <|endoftext|>");
    EXPECT_EQ(value(chat.render(kMessages, false)).text(), "<|endoftext|>user: Hi <|endoftext|><|endoftext|>\n");
}

// The tokens of the template's parts are control tokens, those of the user's never; else the text is encoded as a whole.
TEST(ChatApi, TokensOfUsersAreNeverControlTokens) {
    const kr::Model model = value(kr::Model::open());
    const kr::ChatTemplate chat = value(kr::ChatTemplate::parse(model, kTemplate));
    const auto tokens = value(value(chat.render(kMessages)).tokenize());
    std::vector<int32_t> expected{model.bos()};
    for (const int32_t token : value(model.tokenize("user: Hi <|endoftext|>", KRAIT_TOKENIZE_PLAIN))) expected.push_back(token);
    expected.push_back(model.eos());
    for (const int32_t token : value(model.tokenize("\nassistant:", KRAIT_TOKENIZE_PLAIN))) expected.push_back(token);
    EXPECT_EQ(tokens, expected);
}

TEST(ChatApi, VariablesComeWithTheMessages) {
    const kr::Model model = value(kr::Model::open());
    const kr::ChatTemplate chat =
        value(kr::ChatTemplate::parse(model, "{{ tools is none }}{{ documents|length }}{{ x }}{{ add_generation_prompt }}"));
    EXPECT_EQ(value(chat.render(R"({"messages": [], "documents": [1], "x": 2.0, "add_generation_prompt": 0})")).text(),
              "True12.00");
}

TEST(ChatApi, AModelWithoutATemplateSaysHowToGiveOne) {
    const kr::Model model = value(kr::Model::open());
    const auto none = kr::ChatTemplate::of(model);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.failure().code, KRAIT_NOT_FOUND);
    EXPECT_NE(none.failure().message.find("has no chat template (tokenizer.chat_template); give one: --template FILE"),
              std::string::npos)
        << none.failure().message;
    krait_chat_template_options options = KRAIT_CHAT_TEMPLATE_OPTIONS_INIT;
    options.name = "tool_use";
    EXPECT_NE(kr::ChatTemplate::create(model, options).failure().message.find("tokenizer.chat_template.tool_use"),
              std::string::npos);
    options.source = "x";
    options.source_size = 1;
    EXPECT_EQ(kr::ChatTemplate::create(model, options).failure().code, KRAIT_INVALID_ARGUMENT);
}

TEST(ChatApi, ErrorsSayWhere) {
    const kr::Model model = value(kr::Model::open());
    EXPECT_EQ(kr::ChatTemplate::parse(model, "{% if %}").failure().message,
              "the chat template: line 1, column 7: expected an expression, got the end of the block");
    const kr::ChatTemplate chat = value(kr::ChatTemplate::parse(model, "{{ raise_exception('no') }}"));
    EXPECT_EQ(chat.render("[]").failure().message,
              "the chat template: line 1, column 19: the template refuses these messages: no");
    krait_chat_prompt* prompt = nullptr;
    krait_failure failure{};
    EXPECT_EQ(krait_chat_render(chat.get(), nullptr, &prompt, &failure), KRAIT_INVALID_ARGUMENT);
    krait_chat_input input = KRAIT_CHAT_INPUT_INIT;
    EXPECT_EQ(krait_chat_render(chat.get(), &input, &prompt, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_STREQ(failure.message, "json is NULL");
    const kr::ChatTemplate loop = value(kr::ChatTemplate::parse(model, "{% for i in range(99) %}{{ i }}{% endfor %}"));
    input.json = "[]";
    input.json_size = 2;
    input.max_steps = 20;
    EXPECT_EQ(krait_chat_render(loop.get(), &input, &prompt, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_NE(std::string(failure.message).find("too many steps"), std::string::npos) << failure.message;
}

}  // namespace
