// SPDX-License-Identifier: Apache-2.0
//
// A file that somebody has sent cannot drive the terminal of whoever looks at it: names, values, tokens and paths are shown
// with their control characters escaped, and generated text too where it goes to a terminal.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "core/base/output_file.hpp"
#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_writer.hpp"
#include "tests/tools/pseudo_terminal.hpp"
#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

using namespace krait;
using test::Answer;
using test::run_krait;

// A link, a title, a C1 control as a byte and as UTF-8, a turn of the direction of writing, DEL.
const std::string kEvil = "\x1b]8;;http://example.invalid/\x1b\\here \x9b \xC2\x9B \xE2\x80\xAE \x7f\x07";

class Escapes : public test::TemporaryFolder {
  protected:
    // Neither what a terminal obeys nor bytes that are no text; newlines are the command's own.
    static void expect_harmless(const std::string& text, const std::string& from) {
        for (const char* bad : {"\x1b", "\x07", "\x7f", "\r", "\xC2\x9B", "\x9b", "\xE2\x80\xAE"})
            EXPECT_EQ(text.find(bad), std::string::npos) << from << "\n" << text;
    }
    void expect_shown(const std::string& arguments, int exit_code) const {
        const Answer answer = run_krait(arguments);
        EXPECT_EQ(answer.exit_code, exit_code) << answer.text;
        expect_harmless(answer.text, arguments);
        EXPECT_NE(answer.text.find("\\x1b"), std::string::npos) << arguments << "\n" << answer.text;
    }

    // A model whose keys, values, tensors and one control token have such names.
    void write_evil_model(const std::string& name) const {
        ASSERT_EQ(run_krait("make-random " + path("plain.gguf") + " --layers 1 --d-model 256 --vocab 300").exit_code, 0);
        const auto plain = GgufFile::open(path("plain.gguf"));
        ASSERT_TRUE(plain) << plain.error().message;
        auto writer = GgufWriter::create(path(name));
        ASSERT_TRUE(writer);
        for (const GgufMetadata& entry : plain->metadata()) {
            GgufValue value = entry.value;
            if (entry.key == "tokenizer.ggml.tokens") strings(value).back() = "<|\x1b[31m|>";
            if (entry.key == "tokenizer.ggml.merges") strings(value).pop_back();
            if (entry.key == "tokenizer.ggml.token_type") std::get<std::vector<int32_t>>(std::get<GgufArray>(value)).back() = 3;
            ASSERT_TRUE(writer->add(entry.key, value));
        }
        ASSERT_TRUE(writer->add("example." + kEvil, kEvil));
        for (const GgufTensor& tensor : plain->tensors())
            ASSERT_TRUE(writer->declare(std::string(tensor.name), tensor.dtype(), tensor.extents()));
        ASSERT_TRUE(writer->declare("blk\n" + kEvil, DType::F32, {4}));
        for (const GgufTensor& tensor : plain->tensors()) ASSERT_TRUE(writer->write_tensor(tensor.name, tensor.bytes));
        const std::vector<float> zeros(4);
        ASSERT_TRUE(writer->write_tensor("blk\n" + kEvil, std::as_bytes(std::span(zeros))));
        ASSERT_TRUE(writer->finish());
    }
    static std::vector<std::string>& strings(GgufValue& value) {
        return std::get<std::vector<std::string>>(std::get<GgufArray>(value));
    }
};

TEST_F(Escapes, NamesOfAFile) {
    ASSERT_NO_FATAL_FAILURE(write_evil_model("evil.gguf"));
    const std::string evil = path("evil.gguf");
    const Answer inspected = run_krait("inspect " + evil);
    expect_harmless(inspected.text, "inspect");
    for (const char* shown : {"  example.\\x1b]8;;http", "\"\\x1b]8;;http", "blk\\n\\x1b]8;;http"})
        EXPECT_NE(inspected.text.find(shown), std::string::npos) << shown << "\n" << inspected.text;
    expect_shown("tokenize " + evil + " -p '<|\x1b[31m|>' --parse-special", 0);
    const Answer quantized = run_krait("quantize " + evil + " " + path("q.gguf") + " q8_0");
    expect_harmless(quantized.text, "quantize");
    EXPECT_NE(quantized.text.find("\\x1b"), std::string::npos) << quantized.text;
}

TEST_F(Escapes, WhatTheUserTypes) {
    const std::string evil = "'" + path("no \x1b[31m\xE2\x80\xAE.gguf") + "'";
    for (const char* command : {"inspect ", "run -p a ", "tokenize -p a "}) expect_shown(command + evil, 2);
    expect_shown("tokenize -f " + evil, 2);
    expect_shown("make-random -- " + evil + "/no/folder", 2);
    expect_shown("run -p a -d '\x1b[31m'", 2);
    expect_shown("run -p a --temperature '\x1b[31m'", 2);
    expect_shown("run -p a -n '\x1b[31m'", 2);
    expect_shown("'\x1b[31m'", 2);
    expect_shown("tokenize --decode '\x1b[31m'", 2);
    ASSERT_EQ(run_krait("make-random '" + path("\x1b.gguf") + "' --layers 1 --d-model 256 --vocab 300").exit_code, 0);
    expect_shown("inspect --no-tensors --no-metadata '" + path("\x1b.gguf") + "'", 0);
}

TEST_F(Escapes, JsonStaysJson) {
    const std::string name = "'" + path("\x1b\xC2\x9B\x7f.gguf") + "'";
    ASSERT_EQ(run_krait("make-random " + name + " --layers 1 --d-model 256 --vocab 300").exit_code, 0);
    std::ofstream(folder_ / "text") << std::string(2000, 'a');
    const Answer answer = run_krait("perplexity " + name + " --text " + path("text") + " -c 8 --max-tokens 16 -o json");
    EXPECT_EQ(answer.exit_code, 0) << answer.text;
    expect_harmless(answer.text, "perplexity");
    EXPECT_NE(answer.text.find("\\u001b\\u009b\\u007f.gguf\""), std::string::npos) << answer.text;
}

// A pipe gets a text as it is; a terminal gets one that it can show.
TEST_F(Escapes, TextIsExactButOnTerminals) {
    const std::string text = "a\x1b[31m\x9b\tb\n";
    std::ofstream(folder_ / "text", std::ios::binary) << text;
    const std::string run = "run -n 0 --no-timings -f " + path("text");
    EXPECT_EQ(run_krait(run).text, text + "\n");
    const std::string ids = run_krait("tokenize --ids -f " + path("text")).text;
    const std::string list = ids.substr(0, ids.find('\n'));
    EXPECT_EQ(run_krait("tokenize --decode " + list).text, text);

    test::PseudoTerminal shown({"run", "-n", "0", "--no-timings", "-f", path("text")}, 80);
    EXPECT_EQ(shown.exit_code(), 0);
    EXPECT_NE(shown.seen().find("a\\x1b[31m\\x9b\tb\r\n\r\n"), std::string::npos) << shown.seen();
    test::PseudoTerminal decoded({"tokenize", "--decode", list}, 80);
    EXPECT_EQ(decoded.exit_code(), 0);
    EXPECT_EQ(decoded.seen(), "a\\x1b[31m\\x9b\tb\r\n\r\n");
}

}  // namespace
