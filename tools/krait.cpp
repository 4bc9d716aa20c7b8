// SPDX-License-Identifier: Apache-2.0
//
// The krait command. One file a subcommand in tools/commands; this one only puts them together.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "tools/command.hpp"
#include "tools/test_ops.hpp"

namespace {

int run(int argc, char** argv) {
    using namespace krait::tools;
    CLI::App app{"Runs state-space language models on any device of this machine."};
    app.name("krait");
    app.set_version_flag("--version", std::string("krait ") + KRAIT_VERSION);
    app.require_subcommand(1);
    app.footer(
        "Examples:\n"
        "  krait run -p \"It was a truth\"                      the demo model goes on\n"
        "  krait run model.gguf -p \"Once\" -n 100 --seed 1     another model, the same text every time\n"
        "  krait devices                                      what there is to run on\n"
        "  krait COMMAND --help                               more about one command");
    Command chosen;
    add_run_command(app, chosen);
    add_devices_command(app, chosen);
    add_imatrix_command(app, chosen);
    add_inspect_command(app, chosen);
    add_logits_command(app, chosen);
    add_make_random_command(app, chosen);
    add_quantize_command(app, chosen);
    add_tokenize_command(app, chosen);
    add_bench_command(app, chosen);
    add_hellaswag_command(app, chosen);
    add_perplexity_command(app, chosen);
    add_test_ops_command(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::RequiredError& error) {
        // CLI11 says only that a subcommand is required, also where there was one that does not exist.
        if (!app.get_subcommands().empty() || argc < 2 || argv[1][0] == '-') return app.exit(error), kExitBadInput;
        fmt::print(stderr, "krait: there is no command '{}'; 'krait --help' lists them\n", argv[1]);
        return kExitBadInput;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kExitOk : kExitBadInput;
    }
    const int exit_code = chosen();
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
