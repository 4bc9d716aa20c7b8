// SPDX-License-Identifier: Apache-2.0
//
// krait chat: a conversation with a model through its chat template.
#include "tools/chat.hpp"

#include <chrono>

#include "core/base/output_file.hpp"
#include "core/base/printable.hpp"
#include "tools/chat_template_file.hpp"
#include "tools/error.hpp"
#include "tools/interrupt.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/prompts.hpp"

namespace krait::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int32_t kMaxSnapshots = 8;  // after the latest prompts: where /undo and templates that change old messages go back to

struct Arguments {
    ModelArguments model;
    std::string prompt, system, chat_template, load;
    bool has_prompt = false, has_system = false, no_history = false;
    GenerationOptions generation;
};

constexpr PromptsHelp kHelp{
    .edited =
        "Type a message and Enter. Alt-Enter, or \\ in front of Enter, begins a new line of it, and a paste is one message. "
        "Ctrl-C "
        "stops the\n"
        "answer or clears the message; /help lists commands, /quit or Ctrl-D leaves.\n",
    .lines = "Type a message in a line. Ctrl-C stops the answer; /help lists commands, /quit leaves.\n"};

constexpr const char* kCommands =
    "/system TEXT   a system message for what follows; without TEXT: show it\n"
    "/undo          take the latest message and its answer back\n"
    "/reset         a new conversation, with the same system message\n"
    "/save FILE     write the messages as JSON\n"
    "/load FILE     go on from messages that were saved; where the last one is yours, it is answered\n"
    "/quit          leave\n"
    "//TEXT         a message that begins with '/'\n";

// The prompts of a user, one after the other: messages, and commands in front of which a '/' stands.
class Dialog {
  public:
    Dialog(Chat& chat, Generator& generator, const Arguments& arguments)
        : chat_(chat), generator_(generator), arguments_(arguments) {}

    api::Status run(Prompts& prompts) {
        for (std::string text; !left_;) {
            TOOLS_TRY(const bool is_there, prompts.next(text));
            if (!is_there) break;
            if (text.empty()) continue;
            const api::Status done = take(text);
            if (done || (prompts.are_typed() && done.failure().code == KRAIT_CANCELLED)) continue;
            if (!prompts.are_typed()) return done.failure();
            (void)report(done.failure());  // another message may do
        }
        return api::Done{};
    }

  private:
    api::Status take(std::string_view text) {
        if (text.starts_with("//")) return chat_.say(generator_, text.substr(1));
        if (!text.starts_with('/')) return chat_.say(generator_, text);
        const std::string_view command = text.substr(0, text.find(' '));
        const size_t begin = text.find_first_not_of(' ', command.size());
        return obey(command, begin == std::string_view::npos ? std::string() : std::string(text.substr(begin)));
    }

    api::Status obey(std::string_view command, const std::string& value) {
        Messages& messages = chat_.messages();
        if (command == "/quit") left_ = true;
        else if (command == "/help") print_error("{}", kCommands);
        else if (command == "/system" && value.empty()) print_error("{}\n", messages.system());
        else if (command == "/system") messages.set_system(value);
        else if (command == "/reset") messages.clear();
        else if (command == "/undo") return undo();
        else if (command == "/save") return save(value);
        else if (command == "/load") return load(value);
        else
            return failure(KRAIT_INVALID_ARGUMENT, "there is no command '{}'; /help lists them, and '/{}' is a message",
                           printable(command), printable(command));
        return api::Done{};
    }

    api::Status undo() {
        if (!chat_.messages().undo()) return failure(KRAIT_INVALID_ARGUMENT, "there is no message that could be taken back");
        print_error("{}\n", counted(static_cast<int64_t>(chat_.messages().size()), "message"));
        return api::Done{};
    }

    api::Status save(const std::string& path) const {
        if (path.empty()) return failure(KRAIT_INVALID_ARGUMENT, "/save wants the name of a file");
        TOOLS_CHECK(check_target(path, {arguments_.model.path, arguments_.model.tokenizer, arguments_.chat_template}));
        TOOLS_CHECK(to_api(write_file(path, chat_.messages().json(true) + "\n")));
        print_error("{}: {}\n", printable(path), counted(static_cast<int64_t>(chat_.messages().size()), "message"));
        return api::Done{};
    }

    api::Status load(const std::string& path) {
        // Standard input is where the messages come from, and a part of it is read ahead.
        if (path.empty() || path == "-") return failure(KRAIT_INVALID_ARGUMENT, "/load wants the name of a file");
        TOOLS_TRY(const std::string json, read_text(path));
        TOOLS_TRY(Messages messages, Messages::parse(json, printable(path)));
        chat_.messages() = std::move(messages);
        print_error("{}: {}\n", printable(path), counted(static_cast<int64_t>(chat_.messages().size()), "message"));
        return chat_.messages().last_role() == "user" ? chat_.answer(generator_) : api::Done{};
    }

    Chat& chat_;
    Generator& generator_;
    const Arguments& arguments_;
    bool left_ = false;
};

api::Result<Messages> first_messages(const Arguments& arguments) {
    Messages messages;
    if (!arguments.load.empty()) {
        TOOLS_TRY(const std::string json, read_text(arguments.load));
        TOOLS_TRY(messages, Messages::parse(json, printable(arguments.load)));
    }
    if (arguments.has_system) messages.set_system(arguments.system);
    return messages;
}

api::Status chat(Arguments& arguments) {
    GenerationOptions& options = arguments.generation;
    TOOLS_TRY(api::Sampler sampler, options.create_sampler());
    if (arguments.has_prompt && arguments.prompt.empty()) return failure(KRAIT_INVALID_ARGUMENT, kEmptyPrompt);
    TOOLS_TRY(Messages messages, first_messages(arguments));
    const auto start = Clock::now();
    TOOLS_TRY(const api::Model model, arguments.model.load());
    TOOLS_TRY(const ChatTemplateFile chat_template, ChatTemplateFile::open(model, arguments.chat_template));
    TOOLS_TRY(api::Detokenizer text, api::Detokenizer::create(model, options.stops));
    int32_t max_chain = 1;
    TOOLS_TRY(api::Session session, options.create_session(model, sampler, kMaxSnapshots, &max_chain));
    Timings timings{.load = std::chrono::duration<double>(Clock::now() - start).count()};

    const GeneratorContext context{.model = model,
                                   .session = session,
                                   .sampler = sampler,
                                   .timings = timings,
                                   .interrupted = catch_interrupt(),
                                   .max_snapshots = kMaxSnapshots};
    Chat conversation(context, chat_template, std::move(messages));
    std::vector<int32_t> ends = options.ends(model);
    TOOLS_TRY(const auto end_of_answer, conversation.end_of_answer());
    if (end_of_answer && !options.ignore_eos) ends.push_back(*end_of_answer);
    Generator generator(context, GeneratedText(std::move(text)), std::move(ends), options.n_predict, max_chain,
                        options.stops.empty());
    api::Status done = api::Done{};
    if (arguments.has_prompt) {
        done = conversation.say(generator, arguments.prompt);
    } else {
        if (conversation.messages().last_role() == "user") done = conversation.answer(generator);
        if (done) {
            Prompts prompts(context.interrupted, !arguments.no_history, kHelp);
            done = Dialog(conversation, generator, arguments).run(prompts);
        }
    }
    if (!options.no_timings) timings.print(model, options.sampling.seed);
    return done;
}

}  // namespace

void add_chat_command(Command& program) {
    Command& command = program.command("chat", "Talk with a model through its chat template");
    auto arguments = std::make_shared<Arguments>();
    arguments->generation.n_predict = -1;
    arguments->model.add_path(command);
    arguments->model.add_device(command);
    Option& system = command.option("--system", arguments->system, "the system message").value_name("TEXT");
    Option& prompt =
        command.option("-p,--prompt", arguments->prompt, "one message: its answer, and the end").value_name("TEXT");
    command
        .option("--load", arguments->load,
                "messages to begin with, [{\"role\": \"user\", \"content\": \"Hello\"}], as /save writes them")
        .path("FILE")
        .not_empty("a file");
    command.option("--template", arguments->chat_template, "a chat template, in Jinja, instead of the model's")
        .path("FILE")
        .not_empty("a file");
    arguments->generation.add(command);
    command.option("--no-history", arguments->no_history, "do not keep what is typed in krait/history");
    arguments->generation.add_sampling(command);
    command.footer(
        "At the terminal /help lists the commands: /system, /undo, /reset, /save, /load, /quit. Where standard input is no "
        "terminal,\n"
        "each line is a message or a command. Text of a message is never a control token, whatever it says.\n"
        "Examples:\n"
        "  krait chat model.gguf\n"
        "  krait chat model.gguf --system \"Answer in one sentence.\" -p \"Why is the sky blue?\"\n"
        "  krait chat model.gguf --template chatml.jinja --temperature 0\n"
        "  krait chat model.gguf --load talk.json");
    run_when_chosen(command, [arguments, &system, &prompt] {
        arguments->has_system = system.given();
        arguments->has_prompt = prompt.given();
        return chat(*arguments);
    });
}

}  // namespace krait::tools
