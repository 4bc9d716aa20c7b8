// SPDX-License-Identifier: Apache-2.0
//
// krait tokenize --chat: messages through a model's template or through one from a file.
#include <filesystem>
#include <fstream>

#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

using krait::test::Answer;
using krait::test::run_krait;
using krait::test::Streams;

class TokenizeChat : public krait::test::TemporaryFolder {
  protected:
    void SetUp() override {
        TemporaryFolder::SetUp();
        write("messages.json", R"([{"role": "user", "content": "Hi <|endoftext|>"}])");
        write("chat.jinja",
              "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
              "{% if add_generation_prompt %}assistant:{% endif %}");
    }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text;
        return (folder_ / name).string();
    }
    std::string with_both() const { return "tokenize --chat " + path("messages.json") + " --template " + path("chat.jinja"); }
};

TEST_F(TokenizeChat, RendersMessages) {
    const Answer answer = run_krait(with_both() + " --rendered", Streams::output);
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_EQ(answer.text, "<|endoftext|>user: Hi <|endoftext|>\nassistant:");
    EXPECT_EQ(run_krait(with_both() + " --rendered --no-generation-prompt", Streams::output).text,
              "<|endoftext|>user: Hi <|endoftext|>\n");
}

TEST_F(TokenizeChat, PrintsTokensWithOneControlTokenAlone) {
    const Answer answer = run_krait(with_both() + " --ids", Streams::output);
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_TRUE(answer.text.starts_with("0,")) << answer.text;
    EXPECT_EQ(("," + answer.text).find(",0,", 1), std::string::npos) << answer.text;
    EXPECT_NE(run_krait(with_both(), Streams::output).text.find("tokens for 46 bytes"), std::string::npos);
}

TEST_F(TokenizeChat, SaysWhatIsWrong) {
    const auto says = [](const std::string& arguments, const std::string& words) {
        const Answer answer = run_krait(arguments, Streams::output_and_errors);
        EXPECT_EQ(answer.exit_code, 2) << answer.text;
        EXPECT_NE(answer.text.find(words), std::string::npos) << answer.text;
    };
    says("tokenize --chat " + path("messages.json"),
         "has no chat template (tokenizer.chat_template); give one: --template FILE");
    says("tokenize --template " + path("chat.jinja") + " -p x", "belong to --chat");
    write("chat.jinja", "a\n{% if %}");
    says(with_both(), path("chat.jinja") + ": the chat template: line 2, column 7: expected an expression");
    const std::string both = "krait: " + path("messages.json") + " through " + path("chat.jinja") + ": ";
    const std::string messages = "krait: " + path("messages.json") + ": ";
    write("chat.jinja", "{{ raise_exception('only users') }}");
    says(with_both(), both + "the chat template: line 1, column 19: the template refuses these messages: only users");
    write("messages.json", "[\n{]");
    says(with_both(), messages + "the messages: the JSON text cannot be used: line 2, column 2: ");
    write("messages.json", "7");
    says(with_both(), messages + "the messages: the JSON is neither a list of messages nor an object that has \"messages\"");
    write("messages.json", R"([{"role": "user"}, {"role": 7}])");
    says(with_both(), messages + "the messages: message 2 of 2 has no role that is a text; messages are a list of objects: ");
    write("messages.json", std::string(100'000, '['));
    says(with_both(), messages + "the messages: the JSON text cannot be used: values are nested more than 128 deep");
    says("tokenize --chat " + path("none.json") + " --template " + path("chat.jinja"),
         "none.json cannot be read: No such file");
    says("tokenize --chat " + folder_.string() + " --template " + path("chat.jinja"), "is a directory; name a file inside it");
    says("tokenize --chat " + path("messages.json") + " --template " + path("none.jinja"),
         "none.jinja cannot be read: No such");
}

// The template of a folder is in a file of its own or in tokenizer_config.json: errors name the folder.
TEST_F(TokenizeChat, SaysWhichModelsTemplateIsWrong) {
    const std::string model = path("model"), of_model = "the chat template of " + model + ": ";
    std::filesystem::copy("tests/models/data/huggingface/mamba", model);
    const auto says = [&](const std::string& words) {
        const Answer answer = run_krait("tokenize " + model + " --chat " + path("messages.json"), Streams::output_and_errors);
        EXPECT_EQ(answer.exit_code, 2) << answer.text;
        EXPECT_EQ(answer.text.find(words), 0u) << answer.text;
    };
    write("model/chat_template.jinja", "a\n{% if %}");
    says("krait: " + of_model + "line 2, column 7: expected an expression");
    write("model/chat_template.jinja", "{{ raise_exception('only users') }}");
    says("krait: " + path("messages.json") + " through " + of_model + "line 1, column 19: the template refuses these messages");
    write("messages.json", "[{]");
    says("krait: " + path("messages.json") + ": the messages: the JSON text cannot be used: line 1, column 3: ");
}

}  // namespace
