// SPDX-License-Identifier: Apache-2.0
//
// krait grammar check: whether a grammar is right, and whether it accepts a text.
#include "tools/command.hpp"
#include "tools/grammar_arguments.hpp"
#include "tools/output.hpp"
#include "tools/shown.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    GrammarArguments grammar;
    std::string text;
};

api::Status check(const Arguments& arguments) {
    TOOLS_TRY(const auto grammar, arguments.grammar.create());
    if (!grammar)
        return failure(KRAIT_INVALID_ARGUMENT,
                       "no grammar is given: a GBNF file, --json-schema FILE, --regex REGEX or --json-object");
    if (arguments.text.empty()) {
        print("the grammar can be used\n");
        return api::Done{};
    }
    TOOLS_TRY(std::string text, read_text(arguments.text));
    if (text.ends_with('\n')) text.pop_back();  // of the file, not of the text
    TOOLS_TRY(const auto match, grammar->match(text));
    if (match.is_accepted) {
        print("the grammar accepts the text ({} bytes)\n", text.size());
        return api::Done{};
    }
    if (match.n_matched == text.size())
        return failure(KRAIT_INVALID_ARGUMENT, "{}: the grammar demands more text behind byte {}", printable(arguments.text),
                       text.size());
    return failure(KRAIT_INVALID_ARGUMENT, "{}: the grammar demands another text from {} (byte {}) on: '{}' cannot stand here",
                   printable(arguments.text), line_and_column(text, match.n_matched), match.n_matched,
                   printable(std::string_view(text).substr(match.n_matched, 20)));
}

}  // namespace

void add_grammar_command(Command& program) {
    Command& grammar = program.command("grammar", "Check grammars, JSON schemas and regular expressions for krait run");
    Command& command = grammar.command("check", "Tell whether a grammar is right, and whether it accepts a text");
    auto arguments = std::make_shared<Arguments>();
    command.option("grammar", arguments->grammar.gbnf, "a file in GBNF").path("FILE");
    command.option("--text", arguments->text, "a file with a text; a newline at its end is none of the text").path("FILE");
    arguments->grammar.add(command, false);
    constexpr const char* kExamples =
        "Examples:\n"
        "  krait grammar check list.gbnf\n"
        "  krait grammar check list.gbnf --text answer.txt\n"
        "  krait grammar check --json-schema weather.json --text answer.json\n"
        "  krait grammar check --regex \"[0-9]{4}-[0-9]{2}\"";
    command.footer(kExamples);
    grammar.footer(kExamples);
    run_when_chosen(command, [arguments] { return check(*arguments); });
}

}  // namespace krait::tools
