// SPDX-License-Identifier: Apache-2.0
//
// krait tokenize: text to token ids and back, with the tokenizer of a model file.
#include <fmt/format.h>

#include "core/base/printable.hpp"
#include "tools/command.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;
    std::string text, file, decode;
    bool ids_only = false, parse_special = false, no_special = false;
};

Result<void> tokenize(const Arguments& arguments, bool has_text, bool decodes) {
    KRAIT_TRY(const GgufFile file, arguments.model.open());
    GgufVocabulary vocabulary = read_vocabulary(file);
    for (const std::string& warning : vocabulary.warnings) print_warning(warning);
    KRAIT_TRY(const Tokenizer tokenizer, std::move(vocabulary.tokenizer));
    if (decodes) {
        KRAIT_TRY(const auto tokens, parse_tokens(arguments.decode));
        KRAIT_TRY(const std::string text, tokenizer.decode(tokens, {.control = true}));
        write_text(text);
        if (output_is_terminal()) print("\n");  // elsewhere the exact bytes
        return {};
    }
    std::string text = arguments.text;
    if (!has_text) {
        KRAIT_TRY(text, read_text(arguments.file.empty() ? "-" : arguments.file));
    }
    KRAIT_TRY(const auto tokens, tokenizer.encode(text, {.add_bos = !arguments.no_special,
                                                         .add_eos = !arguments.no_special,
                                                         .parse_special = arguments.parse_special}));
    if (tokenizer.has_second_bos(tokens))
        print_warning("the text begins with two begin-of-text tokens, as the model adds one: --no-special");
    if (arguments.ids_only) {
        print("{}\n", fmt::to_string(fmt::join(tokens, ",")));
        return {};
    }
    for (const int32_t token : tokens) print("{:>7}  {}\n", token, printable(tokenizer.token_text(token)));
    print("{} for {}\n", counted(static_cast<int64_t>(tokens.size()), "token"),
          counted(static_cast<int64_t>(text.size()), "byte"));
    return {};
}

}  // namespace

void add_tokenize_command(Command& program) {
    Command& command = program.command("tokenize", "Turn text into token ids, or ids into text");
    auto arguments = std::make_shared<Arguments>();
    arguments->model.add_path(command);
    Option& text = command.option("-p,--prompt", arguments->text, "the text").value_name("TEXT");
    Option& file =
        command.option("-f,--file", arguments->file, "read the text from a file, '-' = standard input (default)").path("FILE");
    Option& decode = command.option("--decode", arguments->decode, "token ids to turn into text: 12,7,4001").value_name("IDS");
    text.excludes(file).excludes(decode);
    file.excludes(decode);
    command.option("--ids", arguments->ids_only, "print only the ids, separated by commas").excludes(decode);
    command.option("--parse-special", arguments->parse_special, "<|endoftext|> and its like in the text are control tokens")
        .excludes(decode);
    command.option("--no-special", arguments->no_special, "add no begin- or end-of-text token, even if the model wants one")
        .excludes(decode);
    command.footer(
        "Examples:\n  krait tokenize -p \"It was a truth\"\n  krait tokenize model.gguf --ids < book.txt\n  krait tokenize "
        "--decode 12,7,4001");
    run_when_chosen(command, [arguments, &text, &decode] { return tokenize(*arguments, text.given(), decode.given()); });
}

}  // namespace krait::tools
