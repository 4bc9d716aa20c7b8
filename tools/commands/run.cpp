// SPDX-License-Identifier: Apache-2.0
//
// krait run: a model goes on with a text, token by token as they come.
#include <fmt/format.h>

#include <chrono>
#include <krait/session.hpp>

#include "tools/command.hpp"
#include "tools/generation_options.hpp"
#include "tools/generator.hpp"
#include "tools/grammar_arguments.hpp"
#include "tools/interrupt.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/profile_options.hpp"
#include "tools/profile_replay.hpp"
#include "tools/prompts.hpp"

namespace krait::tools {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
    ModelArguments model;
    std::string prompt, file, tokens;
    bool has_prompt = false, has_file = false, has_tokens = false, no_history = false;
    GenerationOptions generation;
    GrammarArguments grammar;
    ProfileOptions profile;

    bool is_conversation() const { return !has_prompt && !has_file && !has_tokens; }
};

constexpr std::string_view kSecondBos =
    "the text begins with two begin-of-text tokens, as the model wants one and the text brings its own: leave that out";

// Writes `text` and what follows. Nothing is written where the model cannot read it.
api::Status go_on(const api::Model& model, const api::Session& session, Generator& generator, std::string_view text) {
    TOOLS_TRY(const size_t before, session.length());
    const uint32_t begin = before == 0 ? KRAIT_TOKENIZE_BEGIN : KRAIT_TOKENIZE_PLAIN;
    TOOLS_TRY(std::vector<int32_t> prompt, model.tokenize(text, KRAIT_TOKENIZE_CONTROL | begin));
    TOOLS_CHECK(generator.check(prompt));
    if (begins_twice(model, prompt)) print_warning(kSecondBos);
    write_text(text);
    TOOLS_CHECK(flush_output());
    return generator.go_on(std::move(prompt));
}

api::Status go_on_from_ids(Generator& generator, std::vector<int32_t> prompt) {
    TOOLS_CHECK(generator.check(prompt));
    TOOLS_TRY(const std::string echo, generator.echo(prompt));
    write_text(echo);
    TOOLS_CHECK(flush_output());
    return generator.go_on(std::move(prompt));
}

constexpr PromptsHelp kHelp{
    .edited =
        "Type a prompt and Enter; the model goes on, and so does the text from prompt to prompt. Alt-Enter, or \\ in front of "
        "Enter, begins a\n"
        "new line of the prompt, and a paste is one prompt. Ctrl-C stops the model or clears the prompt, /reset begins "
        "anew, /quit or Ctrl-D\n"
        "leaves.\n",
    .lines =
        "Type a line; the model goes on, and so does the text from line to line. Ctrl-C stops it, /reset begins anew, /quit "
        "leaves.\n"};

// Prompts as they come, the model's continuation after each; the state goes on from one to the next.
api::Status converse(const api::Model& model, const api::Session& session, Generator& generator, std::atomic<bool>& interrupted,
                     bool remember) {
    Prompts prompts(interrupted, remember, kHelp);
    for (std::string text;;) {
        TOOLS_TRY(const bool is_there, prompts.next(text));
        if (!is_there || text == "/quit") return api::Done{};
        if (text == "/reset") {
            generator.reset();
            continue;
        }
        if (text.empty()) continue;
        const auto done = go_on(model, session, generator, text);
        if (done || (prompts.are_typed() && done.failure().code == KRAIT_CANCELLED)) continue;
        if (!prompts.are_typed() || done.failure().code != KRAIT_INVALID_ARGUMENT) return done.failure();
        (void)report(done.failure());  // a text that the model cannot read: another one may do
    }
}

// Nothing where the model has no tokenizer and ids were given.
api::Result<std::optional<api::Detokenizer>> create_text(const api::Model& model, const Arguments& arguments) {
    auto text = api::Detokenizer::create(model, arguments.generation.stops);
    if (text) return std::optional(std::move(*text));
    if (!arguments.has_tokens || !arguments.generation.stops.empty()) return text.failure();
    print_warning(text.failure().message + "; the output is token ids");
    return std::optional<api::Detokenizer>();
}

api::Status run(Arguments& arguments) {
    TOOLS_CHECK(arguments.profile.check(arguments.model.path, !arguments.model.explain.empty()));
    GenerationOptions& options = arguments.generation;
    TOOLS_TRY(auto grammar, arguments.grammar.create());
    GrammarGuide guide(std::move(grammar));
    guide.constrain(options.sampling);
    TOOLS_TRY(api::Sampler sampler, options.create_sampler());
    TOOLS_TRY(std::vector<int32_t> tokens, parse_tokens(arguments.tokens));
    std::string prompt = arguments.prompt;
    if (arguments.has_file) {
        TOOLS_TRY(prompt, read_text(arguments.file));
    }
    if ((arguments.has_prompt || arguments.has_file) && prompt.empty()) return failure(KRAIT_INVALID_ARGUMENT, kEmptyPrompt);
    const auto start = Clock::now();
    TOOLS_TRY(const api::Model model, arguments.model.load());
    if (!arguments.model.explain.empty()) return print_explanation(model, options.batch, arguments.model.explain);
    TOOLS_TRY(std::optional<api::Detokenizer> text, create_text(model, arguments));
    int32_t max_chain = 1;
    TOOLS_TRY(api::Session session, options.create_session(model, sampler, 0, &max_chain));
    Timings timings{.load = std::chrono::duration<double>(Clock::now() - start).count()};

    std::atomic<bool>& interrupted = catch_interrupt();
    ProfileReplay replay;
    const bool chains_to_the_end = options.stops.empty() || !arguments.is_conversation();
    Generator generator({.model = model,
                         .session = session,
                         .sampler = sampler,
                         .timings = timings,
                         .interrupted = interrupted,
                         .grammar = guide.is_given() ? &guide : nullptr,
                         .ignores_ends = options.ignore_eos,
                         .replay = arguments.profile.are_given() ? &replay : nullptr},
                        GeneratedText(std::move(text)), options.ends(model), options.n_predict, max_chain, chains_to_the_end);
    api::Status done = api::Done{};
    if (arguments.has_tokens) done = go_on_from_ids(generator, std::move(tokens));
    else if (arguments.is_conversation()) done = converse(model, session, generator, interrupted, !arguments.no_history);
    else done = go_on(model, session, generator, prompt);
    if (!options.no_timings) timings.print(model, options.sampling.seed);
    if (!done || !arguments.profile.are_given()) return done;
    return replay.report(model, options.batch, arguments.profile, interrupted);
}

}  // namespace

void add_run_command(Command& program) {
    Command& command = program.command("run", "Let a model continue a text; without -p or -f, with lines from standard input");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    arguments->model.add_device(command);
    arguments->model.add_explain(command);
    Option& prompt = command.option("-p,--prompt", arguments->prompt, "how the text begins").value_name("TEXT");
    Option& file =
        command.option("-f,--file", arguments->file, "read the beginning from a file, '-' = standard input").path("FILE");
    Option& tokens =
        command.option("--tokens", arguments->tokens, "token ids to begin with, for models without a tokenizer: 12,7,4001")
            .value_name("IDS");
    prompt.excludes(file).excludes(tokens);
    file.excludes(tokens);
    arguments->generation.add(command);
    command.option("--no-history", arguments->no_history, "do not keep what is typed in krait/history");
    arguments->generation.add_sampling(command);
    arguments->grammar.add(command, true);
    arguments->profile.add(command);
    arguments->profile.add_json(command);
    command.footer(
        "At a terminal Enter ends a prompt; Alt-Enter, or \\ in front of Enter, begins a new line of it, and a paste is one "
        "prompt.\n"
        "Up and Down go through what was typed before: it is kept in krait/history in $XDG_STATE_HOME or ~/.local/state, for "
        "its owner\n"
        "alone. Ctrl-C stops the model, or clears the prompt; /reset begins a new text, /quit or Ctrl-D leaves "
        "(docs/terminal.md).\n"
        "The text is written as the model gives it; only on a terminal are control characters in it shown as \\x1b.\n"
        "A profile runs the beginning of what was done once more, node by node, and goes to standard error "
        "(docs/benchmarks.md).\n"
        "Examples:\n"
        "  krait run -p \"It was a truth\" -n 100 --seed 7\n"
        "  krait run model.gguf -f chapter1.txt --temperature 0\n"
        "  krait run -p \"She said:\" --stop \" said\" --stop Mr\n"
        "  krait run model.gguf -p \"A user as JSON: \" --json-schema user.json    docs/grammars.md\n"
        "  krait run --device cpu:avx2:threads=1 -p \"Once\"\n"
        "  krait run model.gguf --device vulkan0,cpu --explain    what runs where when devices share the model\n"
        "  krait run model.gguf -p \"Once\" -n 32 --profile=nodes --profile-trace trace.json    where the time goes\n"
        "  krait run                                          prompts typed at the terminal, or lines of standard input");
    run_when_chosen(command, [arguments, &prompt, &file, &tokens] {
        arguments->has_prompt = prompt.given();
        arguments->has_file = file.given();
        arguments->has_tokens = tokens.given();
        return run(*arguments);
    });
}

}  // namespace krait::tools
