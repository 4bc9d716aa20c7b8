// SPDX-License-Identifier: Apache-2.0
//
// The krait command. One file a subcommand in tools/commands; this one only puts them together.
#include <exception>
#include <new>

#include "tools/command.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"
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
    add_chat_command(program);
#ifdef KRAIT_SERVER
    add_serve_command(program);
#endif
    add_devices_command(program);
    add_inspect_command(program);
    add_bench_command(program);
    add_tokenize_command(program);
    add_grammar_command(program);
    add_logits_command(program);
    add_perplexity_command(program);
    add_hellaswag_command(program);
    add_quantize_command(program);
    add_convert_command(program);
    add_imatrix_command(program);
    add_gguf_command(program);
    add_make_random_command(program);
    add_test_ops_command(program);
    add_debug_command(program);
    add_completion_command(program);
    program.print_with([](std::string_view text) { print("{}", text); },
                       [](std::string_view text) { print_error("{}", text); });
    return program.parse_and_run(argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace krait::tools;
    prepare_standard_streams();
    // Bad input comes as values; what arrives here is a lack of memory or a defect.
    try {
        print_log();
        return finish_output(run(argc, argv));
    } catch (const std::bad_alloc&) {
        draw("krait: out of memory\n");  // needs none
    } catch (const std::exception& error) {
        print_error("krait: {}\n", error.what());
    }
    return kExitFailure;
}
