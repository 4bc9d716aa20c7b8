// SPDX-License-Identifier: Apache-2.0
//
// The krait command as a user calls it: what it says to bad arguments, how it counts, and that a signal leaves nothing behind.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/main/paths.hpp"
#include "tests/tools/run_command.hpp"
#include "tests/tools/temporary_folder.hpp"

namespace {

using namespace std::chrono_literals;

using krait::test::Answer;

class Commands : public krait::test::TemporaryFolder {
  protected:
    static Answer krait(const std::string& arguments, const std::string& environment = "") {
        return ::krait::test::run_krait(arguments, ::krait::test::Streams::output_and_errors, environment);
    }
    static void expect_says(const std::string& arguments, int exit_code, const std::string& words) {
        const Answer answer = krait(arguments);
        EXPECT_EQ(answer.exit_code, exit_code) << arguments << "\n" << answer.text;
        EXPECT_NE(answer.text.find(words), std::string::npos) << arguments << "\n" << answer.text;
    }
    std::string write_text(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text;
        return path(name);
    }
    // Runs krait, waits until a file of its folder ends in .partial, sends `n_signal` signals and gives the exit code.
    int exit_code_after(const std::vector<std::string>& arguments, int signal, int n_signal) const {
        const pid_t child = fork();
        if (child == 0) {
            std::vector<char*> words{const_cast<char*>(::krait::test::kCommand)};
            for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
            words.push_back(nullptr);
            std::freopen("/dev/null", "w", stdout);
            std::freopen("/dev/null", "w", stderr);
            execv(::krait::test::kCommand, words.data());
            _exit(99);
        }
        const auto has_partial = [&] {
            for (const auto& entry : std::filesystem::directory_iterator(folder_))
                if (entry.path().extension() == ".partial") return true;
            return false;
        };
        for (int i = 0; i < 6000 && !has_partial(); ++i) std::this_thread::sleep_for(5ms);
        EXPECT_TRUE(has_partial()) << "it ended, or never began to write";
        for (int i = 0; i < n_signal; ++i, std::this_thread::sleep_for(1ms)) kill(child, signal);
        int status = 0;
        waitpid(child, &status, 0);
        EXPECT_FALSE(has_partial());
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
};

TEST_F(Commands, NumbersAreWholeAndInRange) {
    for (const char* number : {"-5", "18446744073709551616", "1e3", "3.5", "5x", "+5"}) {
        const std::string is = std::string(number) + " ";
        const std::string words = "is no whole number that is possible here: 0 or more";
        expect_says("perplexity --text none --max-tokens=" + is, 2, words);
        expect_says("imatrix --text none -o none --max-tokens=" + is, 2, words);
        expect_says("hellaswag --file none --max-tasks=" + is, 2, words);
        expect_says("run -p a --seed=" + is, 2, words);
        expect_says("bench --seed=" + is, 2, words);
        expect_says("make-random none --seed=" + is, 2, words);
        expect_says("make-random none --layers=" + is, 2, "is no whole number that is possible here: 1 to 1024");
        expect_says("test-ops --jobs=" + is, 2, "is no whole number that is possible here: 1 to 1024");
    }
    expect_says("run -p a -n 9223372036854775808", 2, "-1 or more");
    expect_says("run -p a -n=-2", 2, "-1 or more");
    expect_says("run -p a --threads 1025", 2, "'1025' is no whole number that is possible here: 1 to 1024");
    expect_says("run -p a -n 1 --seed 18446744073709551615 --no-timings", 0, "a");
}

TEST_F(Commands, AListIsOneWordAndSoTheModelMayStandBehindIt) {
    expect_says("bench -p 2,4 none.gguf", 2, "cannot open 'none.gguf'");
    expect_says("bench --batch 1 --batch 2,x none.gguf", 2, "'x' is no whole number");
}

TEST_F(Commands, OptionsThatExcludeEachOther) {
    expect_says("logits --tokens 1 --prompt a -o none.npy", 2, "--tokens excludes --prompt");
    expect_says("logits --file none --prompt a -o none.npy", 2, "--prompt excludes --file");
    expect_says("logits -o none.npy", 2, "one of --tokens, --prompt and --file is needed");
    expect_says("run --prompt a --file b", 2, "--prompt excludes --file");
}

TEST_F(Commands, MakeRandomTakesNoSizeOfAnotherArchitecture) {
    const std::string out = "make-random " + path("m.gguf") + " ";
    expect_says(out + "--heads 8", 2, "--heads is a size of Mamba-2 only, and mamba-130m is Mamba-1");
    expect_says(out + "--groups 8", 2, "--groups is a size of Mamba-2 only");
    expect_says(out + "--like mamba2-130m --dt-rank 8", 2, "--dt-rank is a size of Mamba-1 only, and mamba2-130m is Mamba-2");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "m.gguf"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "base.run"));
}

TEST_F(Commands, MakeRandomTellsWhereItFallsBack) {
    const std::string tiny = "--layers 1 --d-model 256 --vocab 300 --dt-rank 48";
    expect_says("make-random " + path("m.gguf") + " --type q4_k " + tiny, 0,
                "ssm_dt.weight is F16: rows of 48 are no whole blocks of Q8_0");
    expect_says("make-random " + path("m.gguf") + " --type q4_k_m --pure " + tiny, 2, "Q4_K_M is a mix");
    expect_says("make-random " + path("m.gguf") + " --type f32 " + tiny, 0, "of 1 layer,");
    expect_says("quantize " + path("m.gguf") + " " + path("q.gguf") + " q5_k_m --pure", 2, "--pure wants one type");
}

TEST_F(Commands, MakeRandomTakesTheRangesOfItsHelp) {
    const std::string help = krait("make-random --help").text;
    const std::regex range(R"((--[a-z-]+) N\s(?:(?!--)[\s\S])*?\(([0-9]+)\s+to\s+([0-9]+)\))");
    size_t n = 0;
    for (auto at = std::sregex_iterator(help.begin(), help.end(), range); at != std::sregex_iterator(); ++at, ++n) {
        const std::string option = (*at)[1], min = (*at)[2], max = (*at)[3];
        const bool is_of_mamba2 = option == "--heads" || option == "--groups";
        std::string small = "make-random " + path("m.gguf") + (is_of_mamba2 ? " --like mamba2-130m" : "");
        for (const std::string other : {"--layers 1", "--d-model 64", "--vocab 300"})
            if (!other.starts_with(option)) small += " " + other;
        expect_says(small + " " + option + " " + min, 0, "million weights");
        expect_says(small + " " + option + " " + std::to_string(std::stoull(min) - 1), 2, min + " to " + max);
        expect_says(small + " " + option + " " + std::to_string(std::stoull(max) + 1), 2, min + " to " + max);
        // The largest of the others makes files of gigabytes, or has to divide something.
        if (option == "--d-conv" || option == "--d-state") expect_says(small + " " + option + " " + max, 0, "million weights");
    }
    EXPECT_EQ(n, 9u) << help;
}

TEST_F(Commands, AListOfProcessorsMayHaveCommas) {
    cpu_set_t set;
    ASSERT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    std::string list;
    for (int i = 0, n = 0; i < CPU_SETSIZE && n < 2; ++i)
        if (CPU_ISSET(i, &set)) list += (n++ > 0 ? "," : "") + std::to_string(i);
    if (list.find(',') == std::string::npos) GTEST_SKIP() << "one processor";
    const std::string short_run = "run -p hi -n 1 --no-timings ";
    expect_says(short_run + "--affinity " + list, 0, "hi");
    expect_says(short_run + "-d cpu:affinity=" + list, 0, "hi");
    expect_says(short_run + "-d cpu:affinity=" + list + ",reference --layers 8,0", 0, "hi");
    expect_says(short_run + "-d cpu:affinity=" + list + " --threads 2", 0, "hi");
    expect_says(short_run + "-d cpu,0", 2, "device '0' has no name");
    expect_says("test-ops -d cpu:affinity=" + list + ",reference --op scale --quick", 0, "cpu:affinity=" + list + "\n");
}

TEST_F(Commands, AffinityTakesProcessorsAlone) {
    const std::string short_run = "run -p hi -n 1 --affinity ";
    for (const std::string list : {"0,cpu", "0:threads=1", "0,,1", "0,", "-1", "0-", "0-x", "x", "spread,0", "all"})
        for (const std::string device : {"", " -d cpu"}) {
            const Answer answer = krait(short_run + list + device);
            EXPECT_EQ(answer.exit_code, 2) << list << "\n" << answer.text;
            EXPECT_EQ(answer.text.find("krait: --affinity " + list + ": '"), 0u) << answer.text;
            EXPECT_NE(answer.text.find("it takes a list like 0-1 or 0,2-3"), std::string::npos) << answer.text;
        }
    expect_says(short_run + "''", 2, "--affinity: this names processors, and is empty");
    expect_says(short_run + "0,5000", 2, "may not run on processor 5000");
    expect_says(short_run + "none", 0, "hi");
    expect_says(short_run + "spread", 0, "hi");
}

TEST_F(Commands, APlaceWithoutATokenIsNamed) {
    const std::string logits = "logits -o " + path("out.npy") + " --tokens ";
    expect_says(logits + "1,,2", 2, "token id 2 is missing: a comma stands in its place");
    expect_says(logits + ",1", 2, "token id 1 is missing");
    expect_says(logits + "1,2,", 2, "token id 3 is missing: the list ends with a comma");
    expect_says(logits + "1,x", 2, "'x' is no token id, and stands in the place of id 2");
    expect_says(logits + "' 1, 2 3\n'", 0, "float32 [3, ");
    expect_says("tokenize --decode 1,,2", 2, "token id 2 is missing");
}

TEST_F(Commands, ExitCodesAreInEveryHelp) {
    const std::string help = krait("--help").text;
    const std::string codes = "Exit codes: 0 success, 1 failure, 2 bad input";
    EXPECT_NE(help.find(codes), std::string::npos) << help;
    for (const char* command :
         {"run", "devices", "imatrix", "inspect", "logits", "make-random", "quantize", "gguf", "gguf split", "gguf merge",
          "tokenize", "bench", "hellaswag", "perplexity", "test-ops", "debug"})
        expect_says(command + std::string(" --help"), 0, codes);
}

TEST_F(Commands, OneIsSingular) {
    expect_says("tokenize -p a", 0, "1 token for 1 byte");
    expect_says("tokenize -p xyzzy", 0, " tokens for 5 bytes");
}

TEST_F(Commands, AnEndingWithoutCharactersIsRefused) {
    const std::string tasks = write_text("tasks.txt", "A man\n1\na\nb\n\x80\x81\nd\n");
    expect_says("hellaswag --file " + tasks, 2, "line 5: ending 2 has no characters");
}

// Samples of four seeds are all cases, each once.
TEST_F(Commands, SamplesOfTestOpsCoverAllCases) {
    const auto listed = [](const std::string& arguments, const std::string& environment) {
        const std::string text = krait("test-ops --list --op mul_mat" + arguments, environment).text;
        std::multiset<std::string> lines;
        std::istringstream stream(text);
        for (std::string line; std::getline(stream, line);) lines.insert(line);
        return lines;
    };
    const auto all = listed("", "");
    EXPECT_GT(all.size(), 1000u);
    EXPECT_EQ(listed(" --sample 4", "KRAIT_TEST_EFFORT=full"), all);
    std::set<std::multiset<std::string>> samples;
    for (const char* seed :
         {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"})
        samples.insert(listed(" --sample 4", std::string("KRAIT_TEST_EFFORT=sampled KRAIT_TEST_SEED=") + seed));
    EXPECT_EQ(samples.size(), 4u);
    std::multiset<std::string> together;
    for (const auto& sample : samples) together.insert(sample.begin(), sample.end());
    EXPECT_EQ(together, all);
    EXPECT_NE(krait("test-ops --list --sample 2", "KRAIT_TEST_EFFORT=most")
                  .text.find("KRAIT_TEST_EFFORT=most: full, sampled or quick"),
              std::string::npos);
}

TEST_F(Commands, TestOpsUsesTheDefaultDevice) {
    const Answer answer = krait("test-ops --op scale --quick --jobs 1", "KRAIT_DEVICE=cpu:portable");
    EXPECT_EQ(answer.exit_code, 0) << answer.text;
    EXPECT_EQ(answer.text.find("cpu:portable\n"), 0u) << answer.text;
}

TEST_F(Commands, EmptyNamesAreNoDefaults) {
    expect_says("run '' -p x -n 1", 2, "this names a file or a folder, and is empty");
    expect_says("run -d '' -p x -n 1", 2, "this names a device, and is empty");
}

TEST_F(Commands, ErrorsOfTheCommandLineNameTheCommandAndTheHelp) {
    for (const auto& [arguments, words] : std::vector<std::pair<std::string, std::string>>{
             {"run --temperature 1e999", "krait run: --temperature: '1e999' is no number of 32 bits; see 'krait run --help'"},
             {"run -p a -p b", "krait run: --prompt: this is given more than once"},
             {"run a.gguf b c", "krait run: 'b' is one argument too many"},
             {"run --vulcan", "krait run: there is no option '--vulcan'"},
             {"run -p", "krait run: --prompt: its value is missing"},
             {"tokenize --ids=abc", "krait tokenize: --ids: this option takes no value"},
             {"run --explain=picture", "krait run: --explain: 'picture' is none of {table,dot}"},
             {"", "krait: a command is missing; see 'krait --help'"},
             {"frob", "krait: there is no command 'frob'; see 'krait --help'"},
             {"--frob", "krait: there is no option '--frob'; see 'krait --help'"}})
        expect_says(arguments, 2, words + (words.ends_with("--help'") ? "\n" : "; see 'krait "));
}

TEST_F(Commands, HelpShowsValuesRangesAndDefaultsInHundredColumns) {
    const std::string help = krait("run --help").text;
    for (const char* words : {"\nUsage: krait run [OPTION...] [MODEL]\n", "  -n, --n-predict N ", "(-1 or more; default 256)",
                              "  --explain[=table|dot] ", "(1 to 1048576; default 512)", "\nSampling:\n", "  -h, --help "})
        EXPECT_NE(help.find(words), std::string::npos) << words << "\n" << help;
    std::istringstream lines(help.substr(0, help.find("At a terminal")));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100) << line;
    EXPECT_EQ(krait("help run").text, help);
    EXPECT_EQ(krait("run -n 5 --help").text, help);
    EXPECT_EQ(krait("help").text, krait("--help").text);
}

TEST_F(Commands, HybridsHaveAContext) {
    const std::string model = path("m.gguf");
    expect_says("make-random " + model + " --like granite-4.0-h-350m --layers 2 --d-model 64 --vocab 300", 0,
                "million weights");
    // The warning stands on a line of its own, behind the text.
    expect_says("run -d cpu " + model + " -p 'The sea' --context 12 --temperature 0 --ignore-eos", 0,
                "\nkrait: warning: the context is full, so the text ends here; give it more with --context\n");
    expect_says("inspect --no-tensors " + model, 0, "granitehybrid: 2 layers, ");
    EXPECT_EQ(krait("inspect --no-tensors " + model).text.find("n_expert 0"), std::string::npos);
}

TEST_F(Commands, ShardsAreMadeAndMerged) {
    expect_says("make-random " + path("m.gguf") + " --layers 2 --d-model 64 --vocab 300", 0, "million weights");
    expect_says("gguf split " + path("m.gguf") + " " + path("part") + " --max-tensors 10", 0,
                "part-00001-of-00003.gguf: 10 tensors");
    expect_says("inspect " + path("part-00002-of-00003.gguf"), 0, "part-00001-of-00003.gguf: GGUF version 3, ");
    expect_says("inspect " + path("part-00002-of-00003.gguf"), 0, " in 3 shards\n");
    expect_says("gguf merge " + path("part-00003-of-00003.gguf") + " " + path("whole.gguf"), 0, "of 3 shards");
    expect_says("gguf merge " + path("m.gguf") + " " + path("x.gguf"), 2, "is whole: it has no 'split.count'");
    expect_says("gguf split " + path("m.gguf") + " " + path("x") + " --max-size 5x", 2, "--max-size '5x' is no size");
    expect_says("gguf split " + path("none.gguf") + " " + path("x"), 2, "cannot open '");
    expect_says("gguf frob", 2, "krait gguf: there is no command 'frob'; see 'krait gguf --help'");
    std::filesystem::remove(path("part-00001-of-00003.gguf"));
    expect_says("run " + path("part-00002-of-00003.gguf") + " -p a -n 1", 2,
                "its folder lacks 1 of the others: 'part-00001-of-00003.gguf'");
}

TEST_F(Commands, HelpHasExamples) {
    for (const char* command :
         {"run", "devices", "imatrix", "inspect", "logits", "make-random", "quantize", "gguf", "gguf split", "gguf merge",
          "tokenize", "bench", "hellaswag", "perplexity", "test-ops", "debug"})
        expect_says(command + std::string(" --help"), 0, "Examples:\n  krait " + std::string(command));
}

TEST_F(Commands, SignalsLeaveNothingBehind) {
    const std::string text = write_text("text.txt", [] {
        std::string words;
        for (int i = 0; i < 20000; ++i) words += "It was a truth universally acknowledged. ";
        return words;
    }());
    const std::vector<std::string> logits{"logits", "-f", text, "-o", path("out.npy"), "--chunk", "16"};
    EXPECT_EQ(exit_code_after(logits, SIGTERM, 1), 130);
    EXPECT_EQ(exit_code_after(logits, SIGINT, 1), 130);
    EXPECT_EQ(exit_code_after({"perplexity", "--text", text, "--save-logits", path("base.run")}, SIGTERM, 1), 130);
    // Two at once: the second may come before the first is looked at.
    const std::vector<std::string> random{"make-random", path("m.gguf"), "--like", "mamba-2.8b"};
    EXPECT_EQ(exit_code_after(random, SIGINT, 2), 130);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.npy"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "m.gguf"));
}

TEST_F(Commands, SeveralDevicesShareAModel) {
    expect_says("run -d cpu,cpu --layers 2 --explain", 0, "2 segments, 1 copy between devices");
    // The hardware of all devices that are used, and of no other.
    const std::string out = " --tokens 1 -o " + path("out.npy");
    expect_says("logits -d cpu,reference --layers 4,4" + out, 0, ", reference)\n");
    EXPECT_EQ(krait("logits -d cpu,reference --layers 8,0" + out).text.find(", reference)\n"), std::string::npos);
    expect_says("run -d cpu,reference --layers 4,4 -p a -n 1", 0, ", reference): loaded in");
    // The summary stands before the nodes.
    const std::string table = krait("run -d cpu,reference --layers 4,4 --explain").text;
    EXPECT_LT(table.find("2 segments, 1 copy between devices: 640.0 KiB a run\n"), table.find("SEGMENT NODE")) << table;
    expect_says("run -d cpu,cpu --layers 2 --explain=dot", 0, "digraph krait {");
    expect_says("logits --explain no_such.gguf --tokens 1 -o none.npy", 2, "no_such.gguf");
    expect_says("run -d cpu --explain=picture", 2, "picture");
    expect_says("logits -d cpu --explain", 0, "1 segment, ");
    expect_says("logits -d cpu --tokens 1", 2, "--output OUT.npy is needed");
    expect_says("logits -d cpu -o " + path("out.npy"), 2, "one of --tokens, --prompt and --file is needed");
    EXPECT_EQ(krait("bench -d cpu -p 3 --explain").text, krait("logits -d cpu --chunk 3 --explain").text);
    expect_says("bench -d cpu,reference --split 1,1 --explain", 0, "--split 1,1");
    expect_says("run -d cpu,cpu --layers 2 --place 'blk[.]0[.]scan=cpu#2' --explain", 0, "--place 'blk[.]0[.]scan'");
    const std::string one = krait("run -d cpu -p 'The sea' -n 8 --temperature 0 --no-timings").text;
    EXPECT_EQ(krait("run -d cpu -p 'The sea' -n 8 --temperature 0 --chain 3 --no-timings").text, one);
    EXPECT_EQ(krait("run -d cpu -p 'The sea' -n 8 --top-k 1 --chain 16 --no-timings").text, one);
    EXPECT_EQ(krait("run -d cpu -p 'The sea' -n 8 --temperature 0 --chain 0").exit_code, 2);
    EXPECT_EQ(krait("run -d cpu,cpu --layers 2 -p 'The sea' -n 8 --temperature 0 --no-timings").text, one);
    EXPECT_EQ(krait("run --layers 2 -p 'The sea' -n 8 --temperature 0 --no-timings", "KRAIT_DEVICE=cpu,cpu").text, one);
}

TEST_F(Commands, WrongPlacementsAreRefused) {
    expect_says("run -p x -d cpu --layers 2,2", 2,
                "--layers 2,2: 4 layers on 2 devices; the model has 8 layers and there is 1 device");
    expect_says("run -p x -d cpu,cpu --layers 8,0 --split 1,1", 2, "give one of them");
    expect_says("run -p x -d cpu,cpu --split 0,0", 2, "not all 0");
    expect_says("run -p x -d cpu,cpu --layers 8,0 --place nonsense", 2, "is a regular expression and a device");
    expect_says("run -p x -d cpu,cpu --layers 8,0 --place 'blk=gpu'", 2, "there are 'cpu', 'cpu#2'");
    expect_says("run -p x -d cpu,cpu --layers 9223372036854775807,9223372036854775807", 2, "the model has 8");
    expect_says("run -p x -d cpu,cpu --layers -1,9", 2, "cannot have -1 layers");
    expect_says("run -p x -d cpu,cpu --layers 8,0 --max-memory cpu=999999999999999T", 2, "at most 1048576T");
    expect_says("run -p x -d cpu,cpu --layers 8,0 --max-memory gpu=1T", 2, "no device of this model is called 'gpu'");
    expect_says("run -p x -d cpu --max-memory cpu=1G --max-memory cpu=2G", 2, "--max-memory cpu: this device has two limits");
    expect_says("run -p x -d nowhere0", 2, "no plugin of it is in backends/");
    const Answer by_environment = krait("run -p x", "KRAIT_DEVICE=nowhere0");
    EXPECT_EQ(by_environment.exit_code, 2);
    EXPECT_NE(by_environment.text.find("KRAIT_DEVICE: there is no device family 'nowhere'"), std::string::npos)
        << by_environment.text;
    expect_says("run -p x -d cpu,cpu --layers 8,0 --place 'blk[.]99=cpu'", 2, "no node and no weight matches");
    expect_says("run -p x -d cpu,cpu --layers 8,0 --max-memory cpu=1K", 1, "--max-memory cpu=1.0 KiB: ");
    for (const char* option : {"--layers", "--split", "--place", "--max-memory"})
        expect_says(std::string("run -p x -d cpu,cpu ") + option + " ''", 2, "''");
    // Before the devices are measured: this folder stays empty.
    const std::string cache = "XDG_CACHE_HOME=" + folder_.string();
    for (const char* wrong : {"--place 'blk.(=cpu'", "--place 'blk[.]99=cpu'", "--place scan=gpu", "--max-memory gpu=1T"})
        EXPECT_EQ(krait(std::string("run -p x -d cpu,cpu ") + wrong, cache).exit_code, 2) << wrong;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "krait" / "rates.tsv"));
    expect_says("run -p x -d cpu,cpu --threads 2 --layers 8,0", 2, "of several each has its own");
}

}  // namespace
