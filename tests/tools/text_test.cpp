// SPDX-License-Identifier: Apache-2.0
//
// Where the text of `krait run` begins and ends, and what a user hears of a vocabulary with flaws.
#include <filesystem>
#include <fstream>

#include "tests/models/model_draft.hpp"
#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

using krait::GgufArray;
using krait::test::Answer;
using krait::test::Draft;
using krait::test::run_krait;
using krait::test::Streams;

class CommandText : public krait::test::TemporaryFolder {
  protected:
    std::string write(const Draft& draft) const {
        draft.write(folder_ / "model.gguf");
        return path("model.gguf");
    }
    static std::string output(const std::string& arguments) {
        const Answer answer = run_krait(arguments, Streams::output);
        EXPECT_EQ(answer.exit_code, 0) << arguments;
        return answer.text;
    }
    static void expect_says(const std::string& arguments, int exit_code, const std::string& words) {
        const Answer answer = run_krait(arguments);
        EXPECT_EQ(answer.exit_code, exit_code) << arguments << "\n" << answer.text;
        EXPECT_NE(answer.text.find(words), std::string::npos) << arguments << "\n" << answer.text;
    }
};

const std::string kGreedy = "run -d cpu --temperature 0 --no-timings ";
const std::string kPrompt = "The sea";

TEST_F(CommandText, EndsBeforeAStopText) {
    const std::string whole = output(kGreedy + "-n 40 -p '" + kPrompt + "'");
    const std::string generated = whole.substr(kPrompt.size(), whole.size() - kPrompt.size() - 1);
    ASSERT_GT(generated.size(), 60u);
    // It lies across tokens, wherever it is taken from: most words are one or two.
    for (const size_t at : {1, 20, 33}) {
        const std::string stop = generated.substr(at, 12);
        ASSERT_EQ(stop.find('\''), std::string::npos);
        const std::string expected = kPrompt + generated.substr(0, generated.find(stop)) + "\n";
        const std::string with_stop = kGreedy + "-n 40 -p '" + kPrompt + "' --stop '" + stop + "'";
        EXPECT_EQ(output(with_stop), expected);
        EXPECT_EQ(output(with_stop + " --chain 16"), expected) << "a chain may run past it";
        EXPECT_EQ(output(with_stop + " --stop 'no such text'"), expected);
        EXPECT_EQ(output(with_stop + " --ignore-eos"), expected);
    }
    EXPECT_EQ(output(kGreedy + "-n 40 -p '" + kPrompt + "' --stop 'no such text'"), whole);
    expect_says("run -p x --stop ''", 2, "stop text 1 of 1 is empty");
}

// A stop text ends one answer of a conversation, and the next one goes on.
TEST_F(CommandText, AStopTextEndsOneAnswer) {
    std::ofstream(path("lines")) << "The sea\nand the land\n";
    const std::string whole = output(kGreedy + "-n 24 < " + path("lines"));
    const size_t line = whole.find('\n');
    const std::string stop = whole.substr(kPrompt.size() + 4, 9);
    const std::string stopped = output(kGreedy + "-n 24 --stop '" + stop + "' < " + path("lines"));
    EXPECT_EQ(stopped.substr(0, stopped.find('\n')), whole.substr(0, whole.find(stop)));
    EXPECT_EQ(stopped.find('\n'), whole.find(stop));
    EXPECT_LT(stopped.find('\n'), line);
    EXPECT_EQ(stopped.compare(stopped.find('\n') + 1, 12, "and the land"), 0) << stopped;
}

TEST_F(CommandText, BeginsWithIds) {
    std::string ids = output("tokenize --ids -p '" + kPrompt + "'");
    ids.pop_back();
    EXPECT_EQ(output(kGreedy + "-n 9 --tokens " + ids), output(kGreedy + "-n 9 -p '" + kPrompt + "'"));
    expect_says("run --tokens 1,x", 2, "'x' is no token id");
    expect_says("run --tokens ''", 2, "the prompt is empty");
    expect_says("run --tokens 1 -p x", 2, "--prompt");
    expect_says("run --tokens 99999 -n 1", 2, "token 99999 at position 0 is out of range");
}

TEST_F(CommandText, WithoutATokenizerIdsComeOut) {
    const std::string model = write(Draft::of("mamba"));
    const std::string ids = output(kGreedy + model + " --tokens 1,2,3 -n 4");
    EXPECT_EQ(ids.compare(0, 6, "1,2,3,"), 0) << ids;
    EXPECT_EQ(std::count(ids.begin(), ids.end(), ','), 6) << ids;
    expect_says(kGreedy + model + " --tokens 1,2,3 -n 1", 0, "krait: warning: " + model + " has no tokenizer");
    expect_says(kGreedy + model + " -p a", 2, "has no tokenizer");
    expect_says(kGreedy + model + " --tokens 1 --stop a", 2, "has no tokenizer");
}

// A vocabulary of three letters for the golden model with 101 tokens.
Draft draft_of_letters() {
    Draft draft = Draft::of("mamba");
    draft.set("tokenizer.ggml.model", std::string("gpt2"));
    draft.set("tokenizer.ggml.pre", std::string("gpt-2"));
    draft.set("tokenizer.ggml.tokens", GgufArray(std::vector<std::string>{"a", "b", "<s>", "<|im_end|>"}));
    draft.set("tokenizer.ggml.token_type", GgufArray(std::vector<int32_t>{1, 1, 3, 3}));
    return draft;
}

TEST_F(CommandText, FlawsOfAVocabularyAreTold) {
    Draft draft = draft_of_letters();
    draft.set("tokenizer.ggml.padding_token_id", uint32_t{77});
    const std::string model = write(draft);
    const std::string warning = "krait: warning: " + model + ": tokenizer: the padding token is 77";
    for (const std::string& command : {kGreedy + model + " -p ab -n 1", "tokenize " + model + " -p ab",
                                       "logits " + model + " -p ab -o " + path("out.npy")}) {
        expect_says(command, 0, warning);
        const std::string text = run_krait(command).text;
        EXPECT_EQ(text.find("padding token"), text.rfind("padding token")) << "once: " << text;
    }
}

TEST_F(CommandText, ASecondBeginOfTextIsTold) {
    Draft draft = draft_of_letters();
    draft.set("tokenizer.ggml.bos_token_id", uint32_t{2});
    draft.set("tokenizer.ggml.add_bos_token", true);
    const std::string model = write(draft), words = "two begin-of-text tokens";
    expect_says(kGreedy + model + " -p '<s>ab' -n 1", 0, words);
    expect_says("tokenize --parse-special " + model + " -p '<s>ab'", 0, words);
    EXPECT_EQ(run_krait(kGreedy + model + " -p 'a<s>b' -n 1").text.find(words), std::string::npos);
    EXPECT_EQ(run_krait("tokenize " + model + " -p '<s>ab'").text.find(words), std::string::npos) << "there it is text";
}

// Standard output is for text that was read: a script may take it where something stands in it.
TEST_F(CommandText, NothingIsWrittenOfAPromptThatCannotBeRead) {
    const auto expect_silence = [](const std::string& arguments) {
        const Answer answer = run_krait(arguments + " 2>/dev/null", Streams::output);
        EXPECT_EQ(answer.exit_code, 2) << arguments;
        EXPECT_EQ(answer.text, "") << arguments;
    };
    expect_silence("run --tokens 1,2,999999999");
    expect_silence("run --tokens 1,2,-1");
    expect_silence("run --tokens ''");
    expect_silence("run -p ''");
    const std::string model = write(draft_of_letters());
    expect_silence("run " + model + " -d cpu -p 'a#'");
    std::ofstream(folder_ / "lines") << "a#\n";
    expect_silence("run " + model + " -d cpu < " + path("lines"));
}

// The model would go on for ever: every token that it can choose ends something, by whatever name.
TEST_F(CommandText, EveryEndEnds) {
    const auto n_generated = [&](const Draft& draft, const std::string& more) {
        const std::string text = run_krait("run -d cpu -n 5 -s 1 --tokens 0 " + write(draft) + more).text;
        const size_t at = text.find("generation");
        EXPECT_NE(at, std::string::npos) << text;
        return at == std::string::npos ? -1 : std::stoi(text.substr(at + 10));
    };
    Draft draft = draft_of_letters();
    draft.set("tokenizer.ggml.tokens", GgufArray(std::vector<std::string>{"a", "b"}));
    draft.set("tokenizer.ggml.token_type", GgufArray(std::vector<int32_t>{1, 1}));
    EXPECT_EQ(n_generated(draft, ""), 5);
    draft.set("tokenizer.ggml.eos_token_id", uint32_t{0});
    draft.set("tokenizer.ggml.eot_token_id", uint32_t{1});
    EXPECT_EQ(n_generated(draft, ""), 0);
    EXPECT_EQ(n_generated(draft, " --ignore-eos"), 5);
    draft.drop_key("tokenizer.ggml.eot_token_id");
    draft.set("tokenizer.ggml.eos_token_id", GgufArray(std::vector<int32_t>{0, 1}));
    EXPECT_EQ(n_generated(draft, ""), 0);
    draft.drop_key("tokenizer.ggml.eos_token_id");
    draft.set("tokenizer.ggml.tokens", GgufArray(std::vector<std::string>{"<|im_end|>", "</s>"}));
    draft.set("tokenizer.ggml.token_type", GgufArray(std::vector<int32_t>{3, 3}));
    EXPECT_EQ(n_generated(draft, ""), 0);
    // A control token leaves no trace in the text, and is a stop text all the same.
    draft.set("tokenizer.ggml.tokens", GgufArray(std::vector<std::string>{"<|left|>", "<|right|>"}));
    EXPECT_EQ(n_generated(draft, ""), 5);
    EXPECT_EQ(n_generated(draft, " --stop '<|left|>' --stop '<|right|>'"), 0);
}

// add_eos_token is for whole texts; a prompt is to be gone on with.
TEST_F(CommandText, APromptHasNoEndBehindIt) {
    Draft draft = draft_of_letters();
    const std::string without = output(kGreedy + write(draft) + " -p ab -n 5 --ignore-eos");
    draft.set("tokenizer.ggml.eos_token_id", uint32_t{3});
    draft.set("tokenizer.ggml.add_eos_token", true);
    EXPECT_EQ(output(kGreedy + write(draft) + " -p ab -n 5 --ignore-eos"), without);
    EXPECT_EQ(output("tokenize --ids " + path("model.gguf") + " -p ab"), "0,1,3\n");
}

}  // namespace
