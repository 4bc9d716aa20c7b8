// SPDX-License-Identifier: Apache-2.0
//
// krait chat: what it makes of messages and commands, and that an answer is the same whether the state went on from turn to
// turn, came back to an earlier one, or read the whole conversation at once.
#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/tools/pseudo_terminal.hpp"
#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

using krait::test::Answer;
using krait::test::PseudoTerminal;
using krait::test::run_krait;
using krait::test::Streams;

constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}";
// As models that think have it: of older answers nothing is left.
constexpr const char* kForgetful =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {% if m.role == 'assistant' %}...{% else %}{{ m.content }}{% endif "
    "%}\n"
    "{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}";

class Conversation : public krait::test::TemporaryFolder {
  protected:
    void SetUp() override {
        TemporaryFolder::SetUp();
        write("chat.jinja", kTemplate);
    }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text;
        return path(name);
    }
    nlohmann::json read(const std::string& name) const {
        std::ifstream file(folder_ / name);
        return nlohmann::json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
    }
    std::string options() const { return " -d cpu --temperature 0 -n 12 --no-timings --template " + path("chat.jinja"); }
    // The lines are the standard input of krait chat.
    Answer chat(const std::string& lines, const std::string& more = "", Streams streams = Streams::output) const {
        return run_krait("chat" + options() + more + " < " + write("lines", lines), streams);
    }
    // The answer to the conversation as a whole.
    std::string answer_to(const nlohmann::json& messages) const {
        const Answer answer = chat("", " --load " + write("whole.json", messages.dump()));
        EXPECT_EQ(answer.exit_code, 0) << answer.text;
        return answer.text;
    }
    static nlohmann::json message(const std::string& role, const std::string& content) {
        return {{"role", role}, {"content", content}};
    }
};

TEST_F(Conversation, TurnsGoOnAsIfTheWholeWasRead) {
    for (const char* source : {kTemplate, kForgetful}) {
        write("chat.jinja", source);
        const Answer answers = chat("The sea was\nAnd the sun?\nWho came?\n/save " + path("talk.json") + "\n");
        ASSERT_EQ(answers.exit_code, 0) << answers.text;
        const auto talk = read("talk.json");
        ASSERT_EQ(talk.size(), 6u) << talk.dump();
        std::string all;
        for (size_t turn = 1; turn < 6; turn += 2) {
            EXPECT_EQ(talk[turn - 1]["role"], "user");
            EXPECT_EQ(talk[turn]["role"], "assistant");
            const std::string content = talk[turn]["content"];
            auto before = talk;
            before.erase(before.begin() + static_cast<ptrdiff_t>(turn), before.end());
            EXPECT_EQ(answer_to(before), content + "\n") << "turn " << turn;
            all += content + "\n";
        }
        EXPECT_EQ(answers.text, all);
    }
}

TEST_F(Conversation, UndoAndResetForget) {
    const std::string direct = chat("", " -p 'The sun was'").text;
    ASSERT_GT(direct.size(), 5u);
    const auto last_of = [&](const std::string& lines) {
        const Answer answer = chat(lines);
        EXPECT_EQ(answer.exit_code, 0) << answer.text;
        EXPECT_TRUE(answer.text.ends_with(direct)) << answer.text;
        EXPECT_GT(answer.text.size(), direct.size());
    };
    last_of("The sea was\n/undo\nThe sun was\n");
    last_of("The sea was\nThe sky\n/undo\n/undo\nThe sun was\n");
    last_of("The sea was\nThe sky\n/reset\nThe sun was\n");
    // More turns than there are snapshots.
    std::string lines;
    for (int i = 0; i < 11; ++i) lines += "Turn " + std::to_string(i) + "\n";
    for (int i = 0; i < 11; ++i) lines += "/undo\n";
    last_of(lines + "The sun was\n");
}

TEST_F(Conversation, TheSystemMessageComesFirst) {
    (void)chat("/save " + path("a.json") + "\n/system Be brief.\n/save " + path("b.json") + "\nHello\n/system\n/reset\n/save " +
                   path("c.json") + "\n",
               " --system 'Be kind.'");
    EXPECT_EQ(read("a.json"), nlohmann::json::array({message("system", "Be kind.")}));
    EXPECT_EQ(read("b.json"), nlohmann::json::array({message("system", "Be brief.")}));
    EXPECT_EQ(read("c.json"), read("b.json"));
    EXPECT_NE(chat("/system\n", " --system 'Be kind.'", Streams::output_and_errors).text.find("Be kind."), std::string::npos);
    EXPECT_EQ(chat("Hi\n", " --system 'Be kind.'").text, answer_to({message("system", "Be kind."), message("user", "Hi")}));
}

TEST_F(Conversation, LoadedMessagesKeepWhatElseTheyHave) {
    write("in.json", R"({"tools": [{"name": "x"}], "messages": [{"role": "user", "content": "Hi", "mood": "good"}]})");
    const Answer answer = chat("/load " + path("in.json") + "\n/save " + path("out.json") + "\n", "", Streams::output);
    EXPECT_EQ(answer.exit_code, 0);
    const auto out = read("out.json");
    EXPECT_EQ(out["tools"][0]["name"], "x");
    ASSERT_EQ(out["messages"].size(), 2u) << "the user's message is answered";
    EXPECT_EQ(out["messages"][0]["mood"], "good");
    EXPECT_EQ(out["messages"][1]["content"].get<std::string>() + "\n", answer.text);
}

TEST_F(Conversation, TheTemplateSeesTheFilesVariablesFromTheBeginning) {
    write("chat.jinja",
          "{{ raise_exception('no mood') if mood is not defined }}{% for m in messages %}{{ m.content }}{% endfor %}");
    write("in.json", R"({"mood": "good", "messages": [{"role": "user", "content": "Hi"}]})");
    EXPECT_EQ(chat("", " --load " + path("in.json")).exit_code, 0);
}

TEST_F(Conversation, FilesOfTheModelAreNotOverwritten) {
    ASSERT_EQ(run_krait("make-random " + path("model") + " --layers 1 --d-model 64 --vocab 300 --huggingface").exit_code, 0);
    const Answer answer =
        run_krait("chat " + path("model") + options() + " < " + write("lines", "/save " + path("model/config.json") + "\n"));
    EXPECT_EQ(answer.exit_code, 2);
    EXPECT_NE(answer.text.find("is a file of the folder"), std::string::npos) << answer.text;
    EXPECT_GT(std::filesystem::file_size(path("model/config.json")), 100u);
}

TEST_F(Conversation, ASlashIsWrittenTwice) {
    (void)chat("//quit\n/save " + path("a.json") + "\n/quit\nnot read\n");
    EXPECT_EQ(read("a.json")[0], message("user", "/quit"));
}

TEST_F(Conversation, WhatIsWrongIsSaid) {
    const auto says = [&](const std::string& lines, const std::string& more, const std::string& words) {
        const Answer answer = chat(lines, more, Streams::output_and_errors);
        EXPECT_EQ(answer.exit_code, 2) << answer.text;
        EXPECT_NE(answer.text.find(words), std::string::npos) << answer.text;
    };
    says("/frob\n", "", "there is no command '/frob'; /help lists them, and '//frob' is a message");
    says("/undo\n", "", "there is no message that could be taken back");
    says("/save\n", "", "/save wants the name of a file");
    says("/save " + path("none/a.json") + "\n", "", "none/a.json': No such file");
    says("/load -\n[]\n", "", "/load wants the name of a file");
    says("/load " + path("none.json") + "\n", "", "none.json cannot be read: No such file");
    says("", " --load " + write("bad.json", "[{]"), "bad.json: line 1, column 3: syntax error");
    says("", " --load " + write("bad.json", ""), "bad.json: line 1, column 1: ");
    says("", " --load " + folder_.string(), "is a directory; name a file inside it");
    says("", " --load " + write("bad.json", "[{\"content\": \"a\"}]"),
         "bad.json: message 1 of 1 is no object with a text as \"role\"");
    says("", " --load " + write("bad.json", "[{\"role\": \"user\", \"content\": 1e999}]"), "bad.json: ");
    says("", " --load " + write("bad.json", std::string(100'000, '[')), "bad.json: values are nested more than 128 deep");
    const auto deep = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    const std::string in_message = R"([{"role": "user", "content": "a", "x": )";  // within two values
    says("", " --load " + write("bad.json", in_message + deep(127) + "}]"), "bad.json: values are nested more than 128 deep");
    EXPECT_EQ(chat("", " --load " + write("good.json", in_message + deep(126) + "}]")).exit_code, 0);
    says("", " --load " + write("bad.json", "7"), "bad.json: neither a list of messages, like [{\"role\"");
    says("", " -p ''", "the prompt is empty");
    says("", " --stop ''", "stop text 1 of 1 is empty");
    write("chat.jinja", "{{ raise_exception('only poems') }}");
    says("", " -p a", "chat.jinja: the chat template: line 1, column 19: the template refuses these messages: only poems");
    says("", " --system a -p a", "chat.jinja: the chat template: line 1, column 19: ");
    write("chat.jinja", "{{ messages[0].content.no() }}");
    says("", " -p a", "chat.jinja: the chat template: line 1, column ");
    write("chat.jinja", "{# nothing #}");
    says("", " -p a", "chat.jinja writes nothing for these messages: there is nothing to answer");
    write("chat.jinja", "a\n{% for %}");
    says("", " -p a", "chat.jinja: the chat template: line 2, column 8: ");
    for (const auto& [arguments, words] : {std::pair("", "the demo model has no chat template"),
                                           std::pair(" --template no.jinja", "no.jinja cannot be read: No such file"),
                                           std::pair(" --template /", "'/' is a directory; name a file inside it")}) {
        const Answer answer = run_krait(std::string("chat -p a") + arguments, Streams::output_and_errors);
        EXPECT_EQ(answer.exit_code, 2);
        EXPECT_NE(answer.text.find(words), std::string::npos) << answer.text;
    }
}

TEST_F(Conversation, AtATerminalErrorsAndCtrlCCostOneMessage) {
    PseudoTerminal terminal({"chat", "-d", "cpu", "--temperature", "0", "-n", "-1", "--ignore-eos", "--no-timings",
                             "--template", path("chat.jinja")},
                            80, {{"HOME", folder_.string()}, {"XDG_STATE_HOME", path("state")}});
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    terminal.type("/frob\r");
    ASSERT_TRUE(terminal.wait_for("there is no command '/frob'")) << terminal.seen();
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    terminal.type("The sea was\r");
    ASSERT_TRUE(terminal.wait_for(" the ")) << terminal.seen();
    terminal.type("\x03");
    ASSERT_TRUE(terminal.wait_for("> ")) << terminal.seen();
    terminal.type("/save " + path("cut.json") + "\r");
    ASSERT_TRUE(terminal.wait_for("2 messages")) << terminal.seen();
    terminal.type("/quit\r");
    EXPECT_EQ(terminal.exit_code(), 0) << terminal.seen();
    EXPECT_GT(read("cut.json")[1]["content"].get<std::string>().size(), 3u) << "the answer as far as it came";
}

}  // namespace
