// SPDX-License-Identifier: Apache-2.0
//
// krait logits: the logits after every token of a text, as a .npy file, to be compared with other engines.
#include <fmt/format.h>

#include <algorithm>
#include <krait/session.hpp>

#include "tools/command.hpp"
#include "tools/interrupt.hpp"
#include "tools/npy_file.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;
    std::string tokens, prompt, file, output;
    int32_t chunk = 512;
};

enum class Source { tokens, prompt, file };

api::Result<std::vector<int32_t>> read_tokens(const Arguments& arguments, Source source, const api::Model& model) {
    if (source == Source::tokens) return parse_tokens(arguments.tokens);
    std::string text = arguments.prompt;
    if (source == Source::file) {
        TOOLS_TRY(text, read_text(arguments.file));
    }
    return model.tokenize(text, KRAIT_TOKENIZE_BEGIN | KRAIT_TOKENIZE_END);
}

api::Status explain_placement(const Arguments& arguments) {
    TOOLS_TRY(const api::Model model, arguments.model.load());
    return print_explanation(model, arguments.chunk, arguments.model.explain);
}

api::Status write_logits(const Arguments& arguments, Source source) {
    TOOLS_CHECK(check_target(arguments.output, {arguments.model.path, arguments.file}));
    TOOLS_TRY(const api::Model model, arguments.model.load());
    TOOLS_TRY(const std::vector<int32_t> tokens, read_tokens(arguments, source, model));
    if (tokens.empty()) return failure(KRAIT_INVALID_ARGUMENT, "there are no tokens: a prompt needs at least one");
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_batch_tokens = arguments.chunk;
    options.max_sequence_tokens = static_cast<int64_t>(tokens.size());
    TOOLS_TRY(api::Session session, api::Session::create(model, options));
    const std::atomic<bool>& interrupted = catch_end();  // before there is a file that a signal could leave behind
    const ResultReport report(arguments.output);
    TOOLS_TRY(NpyFile output, NpyFile::create(arguments.output, static_cast<int64_t>(tokens.size()), model.n_vocab()));
    ProgressBar bar("logits");
    const auto chunk = static_cast<size_t>(arguments.chunk);
    for (size_t first = 0; first < tokens.size(); first += chunk) {
        const auto part = std::span(tokens).subspan(first, std::min(chunk, tokens.size() - first));
        // Not the session's own message: it counts the tokens of this chunk alone.
        if (interrupted) return failure(KRAIT_CANCELLED, "cancelled after {} of {} tokens", first, tokens.size());
        TOOLS_CHECK(session.decode(part, 0, KRAIT_WANT_ALL));
        for (size_t row = 0; row < part.size(); ++row) {
            TOOLS_TRY(const auto logits, session.logits(0, row));
            TOOLS_CHECK(output.write(logits));
        }
        bar.update(first + part.size(), tokens.size());
    }
    TOOLS_CHECK(output.finish());
    report.print("{}: float32 [{}, {}], on {} ({})\n", printable(arguments.output), tokens.size(), model.n_vocab(),
                 model.device(), model.hardware());
    return api::Done{};
}

}  // namespace

void add_logits_command(Command& program) {
    Command& command = program.command("logits", "Write the logits after every token of a text as float32 [T, n_vocab]");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    arguments->model.add_device(command);
    arguments->model.add_explain(command);
    constexpr const char* kGroup = "What the model reads: one of these, but with --explain";
    Option& tokens = command.option("-t,--tokens", arguments->tokens, "token ids: 12,7,4001").value_name("IDS").group(kGroup);
    Option& prompt = command.option("-p,--prompt", arguments->prompt, "text").value_name("TEXT").group(kGroup).excludes(tokens);
    Option& file = command.option("-f,--file", arguments->file, "a text file, '-' = standard input")
                       .path("FILE")
                       .group(kGroup)
                       .excludes(tokens)
                       .excludes(prompt);
    command.option("-o,--output", arguments->output, "the .npy file to write; needed, but with --explain").path("OUT.npy");
    command.option("--chunk", arguments->chunk, "tokens a run; 1 = token by token").in_range(1, 1 << 20).show_default();
    command.footer(
        "Examples:\n  krait logits model.gguf --tokens 1,2,3 --device reference -o out.npy\n  krait logits -p \"It was\" -o "
        "out.npy");
    run_when_chosen(command, [arguments, &tokens, &prompt, &file]() -> api::Status {
        if (!arguments->model.explain.empty()) return explain_placement(*arguments);
        if (!tokens.given() && !prompt.given() && !file.given())
            return failure(KRAIT_INVALID_ARGUMENT, "nothing to read is given: one of --tokens, --prompt and --file is needed");
        if (arguments->output.empty()) return failure(KRAIT_INVALID_ARGUMENT, "--output OUT.npy is needed: the file to write");
        const Source source = prompt.given() ? Source::prompt : file.given() ? Source::file : Source::tokens;
        return write_logits(*arguments, source);
    });
}

}  // namespace krait::tools
