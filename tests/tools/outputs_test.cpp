// SPDX-License-Identifier: Apache-2.0
//
// Where commands write to: links, long names, pipes; errors name the file that was asked for.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

using krait::test::Answer;
using krait::test::run_krait;

class Outputs : public krait::test::TemporaryFolder {
  protected:
    static Answer logits(const std::string& output, const std::string& more = "") {
        return run_krait("logits -d cpu --tokens 1,2 -o " + output + more);
    }
    std::string bytes_of(const std::string& name) const {
        std::ifstream stream(folder_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
};

TEST_F(Outputs, NamesAndLinksAsCpTakesThem) {
    const std::string name(255, 'x');
    Answer answer = logits((folder_ / name).string());
    EXPECT_EQ(answer.exit_code, 0) << answer.text;
    const std::string right = bytes_of(name);
    ASSERT_EQ(right.substr(1, 5), "NUMPY");

    std::filesystem::create_symlink(name, folder_ / "link");
    std::filesystem::resize_file(folder_ / name, 3);
    answer = logits((folder_ / "link").string());
    EXPECT_EQ(answer.exit_code, 0) << answer.text;
    EXPECT_EQ(bytes_of(name), right);

    std::filesystem::create_symlink("nothing", folder_ / "dangling");
    const std::string dangling = (folder_ / "dangling").string();
    for (const std::string& arguments :
         {"logits -d cpu --tokens 1 -o " + dangling, "make-random " + dangling + " --layers 1 --d-model 16 --vocab 300",
          "imatrix -d cpu --text /dev/null -o " + dangling}) {
        answer = run_krait(arguments);
        EXPECT_EQ(answer.exit_code, 2) << arguments << "\n" << answer.text;
        EXPECT_NE(answer.text.find("cannot write '" + dangling + "': it is a link to"), std::string::npos) << answer.text;
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "nothing"));
    EXPECT_TRUE(std::filesystem::is_symlink(dangling));

    answer = logits((folder_ / "missing" / "a.npy").string());
    EXPECT_EQ(answer.exit_code, 2);
    EXPECT_NE(answer.text.find((folder_ / "missing" / "a.npy").string() + "': No such file"), std::string::npos) << answer.text;
    EXPECT_EQ(answer.text.find("partial"), std::string::npos) << answer.text;
}

TEST_F(Outputs, PipesAndDevicesAreWritten) {
    const Answer plain = logits((folder_ / "a.npy").string());
    ASSERT_EQ(plain.exit_code, 0) << plain.text;
    const std::string right = bytes_of("a.npy");
    const Answer piped = run_krait("logits -d cpu --tokens 1,2 -o /dev/stdout", krait::test::Streams::output);
    EXPECT_EQ(piped.exit_code, 0);
    EXPECT_TRUE(piped.text == right) << piped.text.size() << " bytes instead of " << right.size();
    EXPECT_EQ(logits("/dev/null").exit_code, 0);
    const Answer full = logits("/dev/full");
    EXPECT_EQ(full.exit_code, 1) << full.text;  // it failed; the name is right
    EXPECT_NE(full.text.find("cannot write '/dev/full'"), std::string::npos) << full.text;
}

TEST_F(Outputs, ADiskThatIsFullIsAFailureOfTheCommand) {
    const std::string file = (folder_ / "result").string();
    const Answer large = run_krait("make-random " + file + " --layers 1 --d-model 256 --vocab 300",
                                   krait::test::Streams::output_and_errors, "ulimit -f 100;");
    EXPECT_EQ(large.exit_code, 1) << large.text;
    EXPECT_NE(large.text.find("cannot write '" + file), std::string::npos) << large.text;
    EXPECT_NE(large.text.find("File too large"), std::string::npos) << large.text;
    const Answer piped = run_krait("logits -d cpu --tokens 1,2 -o /dev/stdout 2>&1 >/dev/full", krait::test::Streams::output);
    EXPECT_EQ(piped.exit_code, 1) << piped.text;
    EXPECT_NE(piped.text.find("cannot write '/dev/stdout'"), std::string::npos) << piped.text;
}

// Standard output then holds the result alone, and the report is on standard error.
TEST_F(Outputs, NothingFollowsAResultOnStandardOutput) {
    std::ofstream(folder_ / "text") << std::string(600, 'a');
    const std::string text = (folder_ / "text").string(), file = (folder_ / "result").string();
    const std::string model = (folder_ / "model.gguf").string(), errors = (folder_ / "errors").string();
    ASSERT_EQ(run_krait("make-random " + model + " --layers 1 --d-model 256 --vocab 300").exit_code, 0);
    struct Case {
        std::string before, after, report;  // around the name of the output
    };
    for (const Case& c :
         {Case{"logits -d cpu --tokens 1,2 -o ", "", "float32 [2,"},
          {"make-random ", " --layers 1 --d-model 256 --vocab 300", "million weights"},
          {"quantize " + model + " ", " q8_0", "bits a weight"},
          {"imatrix -d cpu --text " + text + " -o ", "", "importance of"},
          {"perplexity -d cpu --threads 1 --stream --text " + text + " --save-logits ", "", "bits a byte"},
          {"perplexity -d cpu --threads 1 --stream --text " + text + " --save-logits ", " -o json", "\"bits_per_byte\""}}) {
        const Answer plain = run_krait(c.before + file + c.after, krait::test::Streams::output);
        ASSERT_EQ(plain.exit_code, 0) << c.before << "\n" << plain.text;
        EXPECT_NE(plain.text.find(c.report), std::string::npos) << plain.text;
        const std::string right = bytes_of("result");
        for (const char* name : {"/dev/stdout", "/dev/fd/1"}) {
            const Answer piped = run_krait(c.before + name + c.after + " 2>" + errors, krait::test::Streams::output);
            EXPECT_EQ(piped.exit_code, 0) << c.before;
            EXPECT_TRUE(piped.text == right) << c.before << name << ": " << piped.text.size() << " bytes, not " << right.size();
            EXPECT_NE(bytes_of("errors").find(c.report), std::string::npos) << bytes_of("errors");
        }
        // Behind what a file holds, and the file by its own name.
        std::ofstream(file) << "old data";
        EXPECT_EQ(run_krait(c.before + "/dev/stdout" + c.after + " 2>" + errors + " >>" + file, krait::test::Streams::output)
                      .exit_code,
                  0);
        EXPECT_TRUE(bytes_of("result") == "old data" + right) << c.before << bytes_of("result").size();
        EXPECT_EQ(run_krait(c.before + file + c.after + " 2>" + errors + " >" + file, krait::test::Streams::output).exit_code,
                  0);
        EXPECT_TRUE(bytes_of("result") == right) << c.before << bytes_of("result").size();
        EXPECT_NE(bytes_of("errors").find(c.report), std::string::npos) << bytes_of("errors");
    }
}

}  // namespace
