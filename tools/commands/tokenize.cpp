// SPDX-License-Identifier: Apache-2.0
//
// krait tokenize: text to token ids and back, with the tokenizer of a model file; messages to ids, with its chat template.
#include <fmt/format.h>

#include <algorithm>
#include <krait/chat.hpp>

#include "tools/chat_template_file.hpp"
#include "tools/command.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;
    std::string text, file, decode;
    std::string chat, chat_template;  // files
    std::string compare;              // another tokenizer
    bool ids_only = false, parse_special = false, no_special = false;
    bool rendered = false, no_generation_prompt = false;

    uint32_t flags() const {
        return (no_special ? KRAIT_TOKENIZE_PLAIN : KRAIT_TOKENIZE_BEGIN | KRAIT_TOKENIZE_END) |
               (parse_special ? KRAIT_TOKENIZE_CONTROL : KRAIT_TOKENIZE_PLAIN);
    }
};

api::Status print_text(const api::Model& model, const std::string& ids) {
    TOOLS_TRY(const auto tokens, parse_tokens(ids));
    TOOLS_TRY(const std::string text, model.detokenize(tokens, KRAIT_DETOKENIZE_CONTROL));
    write_text(text);
    if (output_is_terminal()) print("\n");  // elsewhere the exact bytes
    return api::Done{};
}

api::Status print_tokens(const api::Model& model, std::span<const int32_t> tokens, size_t n_byte) {
    for (const int32_t token : tokens) {
        TOOLS_TRY(const std::string_view text, model.token_text(token));
        print("{:>7}  {}\n", token, printable(text));
    }
    print("{} for {}\n", counted(static_cast<int64_t>(tokens.size()), "token"), counted(static_cast<int64_t>(n_byte), "byte"));
    return api::Done{};
}

void print_ids(std::span<const int32_t> tokens) {
    std::string ids;
    for (const int32_t token : tokens) ids += (ids.empty() ? "" : ",") + std::to_string(token);
    print("{}\n", ids);
}

api::Status print_chat(const api::Model& model, const Arguments& arguments) {
    TOOLS_TRY(const auto chat, ChatTemplateFile::open(model, arguments.chat_template));
    TOOLS_TRY(const std::string messages, read_text(arguments.chat));
    TOOLS_TRY(const api::ChatPrompt prompt, chat.render(messages, !arguments.no_generation_prompt, arguments.chat));
    if (arguments.rendered) {
        write_text(prompt.text());
        if (output_is_terminal()) print("\n");
        return api::Done{};
    }
    TOOLS_TRY(const auto tokens, prompt.tokenize());
    if (!arguments.ids_only) return print_tokens(model, tokens, prompt.text().size());
    print_ids(tokens);
    return api::Done{};
}

// The tokens from `first` on, a few of them.
std::string some_tokens(const api::Model& model, std::span<const int32_t> tokens, size_t first) {
    constexpr size_t kMax = 6;
    std::string text;
    for (size_t i = first; i < tokens.size() && i < first + kMax; ++i) {
        const auto piece = model.token_text(tokens[i]);
        text += fmt::format("  {} \"{}\"", tokens[i], printable(piece ? *piece : std::string_view()));
    }
    if (tokens.size() > first + kMax) text += "  ...";
    return text.empty() ? "  nothing" : text;
}

// Where the tokens of another tokenizer begin to differ; whether they do not.
api::Result<bool> print_comparison(const api::Model& model, const Arguments& arguments, const std::string& text,
                                   std::span<const int32_t> tokens) {
    ModelArguments others = arguments.model;
    others.tokenizer = arguments.compare;
    TOOLS_TRY(const api::Model other, others.open());
    TOOLS_TRY(const auto other_tokens, other.tokenize(text, arguments.flags()));
    const auto differs = std::mismatch(tokens.begin(), tokens.end(), other_tokens.begin(), other_tokens.end());
    const auto first = static_cast<size_t>(differs.first - tokens.begin());
    if (first == tokens.size() && first == other_tokens.size()) {
        print("no difference in {}\n", counted(static_cast<int64_t>(first), "token"));
        return true;
    }
    TOOLS_TRY(const std::string before, model.detokenize(tokens.first(first), KRAIT_DETOKENIZE_CONTROL));
    constexpr size_t kShown = 60;  // bytes of the text in front
    print("the first difference is at token {}, behind {}\"{}\"\n", first, before.size() > kShown ? "..." : "",
          printable(std::string_view(before).substr(before.size() - std::min(before.size(), kShown))));
    print("this model:{}\n", some_tokens(model, tokens, first));
    print("{}:{}\n", printable(arguments.compare), some_tokens(other, other_tokens, first));
    return false;
}

// False where a comparison found a difference.
api::Result<bool> tokenize(const Arguments& arguments, bool has_text, bool decodes) {
    if (arguments.chat.empty() && (!arguments.chat_template.empty() || arguments.rendered || arguments.no_generation_prompt))
        return failure(KRAIT_INVALID_ARGUMENT, "--template, --rendered and --no-generation-prompt belong to --chat FILE");
    TOOLS_TRY(const api::Model model, arguments.model.open());
    for (const std::string& warning : model.warnings()) print_warning(warning);
    // Without a tokenizer it fails here, before a text is waited for.
    if (const auto usable = model.token_text(0); !usable) return usable.failure();
    if (decodes || !arguments.chat.empty()) {
        TOOLS_CHECK(decodes ? print_text(model, arguments.decode) : print_chat(model, arguments));
        return true;
    }
    std::string text = arguments.text;
    if (!has_text) {
        TOOLS_TRY(text, read_text(arguments.file.empty() ? "-" : arguments.file));
    }
    TOOLS_TRY(const auto tokens, model.tokenize(text, arguments.flags()));
    if (begins_twice(model, tokens))
        print_warning("the text begins with two begin-of-text tokens, as the model adds one: --no-special");
    if (!arguments.compare.empty()) return print_comparison(model, arguments, text, tokens);
    if (arguments.ids_only) print_ids(tokens);
    else TOOLS_CHECK(print_tokens(model, tokens, text.size()));
    return true;
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
    Option& chat =
        command
            .option("--chat", arguments->chat,
                    "JSON messages, [{\"role\": \"user\", \"content\": \"Hello\"}], through the model's chat template; '-' "
                    "= standard input")
            .path("FILE")
            .not_empty("a file");
    command.option("--template", arguments->chat_template, "a chat template, in Jinja, instead of the model's")
        .path("FILE")
        .not_empty("a file");
    command.option("--rendered", arguments->rendered, "with --chat: print the text that the template makes");
    command.option("--no-generation-prompt", arguments->no_generation_prompt,
                   "with --chat: end with the last message, not where the model's answer begins");
    text.excludes(file).excludes(decode).excludes(chat);
    chat.excludes(file).excludes(decode);
    file.excludes(decode);
    command
        .option(
            "--compare", arguments->compare,
            fmt::format("show where the tokens of another tokenizer begin to differ, of a folder with {}, or that file itself; "
                        "exit code 1 where they do",
                        kTokenizerFiles))
        .path("PATH")
        .not_empty("a file or a folder")
        .excludes(decode)
        .excludes(chat);
    command.option("--ids", arguments->ids_only, "print only the ids, separated by commas").excludes(decode);
    command.option("--parse-special", arguments->parse_special, "<|endoftext|> and its like in the text are control tokens")
        .excludes(decode);
    command.option("--no-special", arguments->no_special, "add no begin- or end-of-text token, even if the model wants one")
        .excludes(decode);
    command.footer(
        "Examples:\n  krait tokenize -p \"It was a truth\"\n  krait tokenize model.gguf --ids < book.txt\n  krait tokenize "
        "--decode 12,7,4001\n  krait tokenize model.gguf --chat messages.json\n  krait tokenize --chat messages.json "
        "--template "
        "chatml.jinja --rendered\n  krait tokenize model.gguf --compare mamba-130m-hf/tokenizer.json < book.txt");
    command.body([arguments, &text, &decode] {
        const auto done = tokenize(*arguments, text.given(), decode.given());
        if (!done) return report(done.failure());
        return *done ? kExitOk : kExitFailure;
    });
}

}  // namespace krait::tools
