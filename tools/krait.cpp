// SPDX-License-Identifier: Apache-2.0
//
// The krait command. One file a subcommand in tools/commands; this one only puts them together.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "tools/command.hpp"
#include "tools/test_ops.hpp"
#include "tools/version.hpp"

namespace {

int run(int argc, char** argv) {
    using namespace krait::tools;
    Command program("krait", "Runs state-space language models on any device of this machine.");
    program.version(version_text);
    program.footer(
        "Examples:\n"
        "  krait run -p \"It was a truth\"                      the demo model goes on\n"
        "  krait run model.gguf -p \"Once\" -n 100 --seed 1     another model, the same text every time\n"
        "  krait devices                                      what there is to run on\n"
        "  krait COMMAND --help                               more about one command");
    program.closing("Exit codes: 0 success, 1 failure, 2 bad input (an argument, a file, a name), 130 stopped by Ctrl-C.");
    add_run_command(program);
    add_devices_command(program);
    add_imatrix_command(program);
    add_inspect_command(program);
    add_logits_command(program);
    add_make_random_command(program);
    add_quantize_command(program);
    add_tokenize_command(program);
    add_bench_command(program);
    add_hellaswag_command(program);
    add_perplexity_command(program);
    add_test_ops_command(program);
    add_completion_command(program);
    const int exit_code = program.parse_and_run(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
        fmt::print(stderr, "krait: standard output cannot be written\n");
        return kExitFailure;
    }
    return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    // A file beyond the limit of its size is then an error of the write, and what was written is removed.
    std::signal(SIGXFSZ, SIG_IGN);
    // Bad input comes as values; what arrives here is a lack of memory or a defect.
    try {
        return run(argc, argv);
    } catch (const std::bad_alloc&) {
        fmt::print(stderr, "krait: out of memory\n");
    } catch (const std::exception& error) {
        fmt::print(stderr, "krait: {}\n", error.what());
    }
    return krait::tools::kExitFailure;
}
