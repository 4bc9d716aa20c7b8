// SPDX-License-Identifier: Apache-2.0
//
// Commands as CLI11 reads them. The only file that includes it: of its headers App, which needs the functions of the other two.
// clang-format off
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
// clang-format on
#include <fmt/ranges.h>

#include <charconv>
#include <map>

#include "tools/command_line/command_line.hpp"
#include "tools/command_line/help.hpp"

namespace krait::tools {
namespace {

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;

// Whether the text is a value of that type; the value.
bool put(const std::string& text, std::string& value) { return value = text, true; }
template <class Number>
bool put(const std::string& text, Number& value) {
    const auto [last, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc{} && last == text.data() + text.size();
}
template <class T>
bool put(const std::string& text, std::optional<T>& value) {
    return put(text, value.emplace());
}

template <class T>
void take(const OptionFacts& facts, const std::vector<std::string>& texts, T& target) {
    const auto refuse = [&](const std::string& why) { throw CLI::ValidationError(facts.name_list().back(), why); };
    const auto put_one = [&](const std::string& text, auto& value) {
        const char* what = std::holds_alternative<float*>(facts.target) ? "number of 32 bits" : "whole number";
        if (!put(text, value)) refuse(fmt::format("'{}' is no {}", text, what));
    };
    if constexpr (kIsVector<T>) {
        target.clear();
        for (const std::string& text : texts) put_one(text, target.emplace_back());
    } else {
        if (texts.size() > 1) refuse("this is given more than once");
        put_one(texts.front(), target);
    }
}

// Why a text is no value of an option; empty where it is one.
std::string refusal(const OptionFacts& facts, const std::string& text) {
    // An unset variable of a script: `krait run "$MODEL"` is no wish for the demo model.
    if (!facts.stands_for.empty() && text.empty()) return fmt::format("this names {}, and is empty", facts.stands_for);
    if (facts.range && !facts.range->holds(text))
        return fmt::format("'{}' is no whole number that is possible here: {}", text, facts.range->text());
    if (!facts.words.empty() && std::find(facts.words.begin(), facts.words.end(), text) == facts.words.end())
        return fmt::format("'{}' is none of {{{}}}", text, fmt::join(facts.words, ","));
    return {};
}

CLI::Option* add_option(CLI::App& app, const OptionFacts& facts) {
    if (facts.if_bare) {
        const std::string names = fmt::format("{}{{{}}}", facts.names, *facts.if_bare);
        return app.add_flag(names, *std::get<std::string*>(facts.target), facts.help);
    }
    return std::visit(
        [&](auto* target) {
            using T = std::remove_pointer_t<decltype(target)>;
            if constexpr (std::is_same_v<T, bool>) {
                return app.add_flag(facts.names, *target, facts.help);
            } else {
                const auto take_all = [&facts, target](const CLI::results_t& texts) {
                    return take(facts, texts, *target), true;
                };
                CLI::Option* option = app.add_option(facts.names, take_all, facts.help);
                option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
                if (kIsVector<T>) option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
                return option;
            }
        },
        facts.target);
}

// The errors of CLI11 that a user meets, as sentences.
std::string sentence_of(const CLI::ParseError& error, const CLI::App& app) {
    const std::string text = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
        const std::string first = app.remaining(true).front();
        if (first.size() > 1 && first.front() == '-') return fmt::format("there is no option '{}'", first);
        return fmt::format("'{}' is one argument too many", first);
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) return text.substr(0, text.find(':')) + ": its value is missing";
    if (dynamic_cast<const CLI::ConversionError*>(&error)) {
        const std::string pair = text.substr(text.find(": ") + 2);
        return fmt::format("{}: this option takes no value", pair.substr(0, pair.find(" = ")));
    }
    return text;
}

}  // namespace

// A Command and its commands as an App and its subcommands; what was given goes back after the parse.
class Parser {
  public:
    Parser(Command& command, CLI::App& app) : app_(app) { add(command, app); }

    // The chosen command. Throws what CLI11 throws.
    const Command& parse(int argc, const char* const* argv) {
        app_.parse(argc, argv);
        for (const auto& [option, parsed] : options_) option->n_given_ = parsed->count();
        return *chosen_;
    }

  private:
    void add(Command& command, CLI::App& app) {
        if (command.version_) app.set_version_flag("--version", command.version_);
        for (const auto& option : command.options_) add(*option, app);
        for (const auto& option : command.options_)
            for (const Option* other : option->excluded())
                options_.at(option.get())->excludes(options_.at(const_cast<Option*>(other)));
        for (const auto& one : command.commands_) add(*one, *app.add_subcommand(one->name_, one->description_));
        if (!command.commands_.empty()) app.require_subcommand(1);
        else app.callback([this, &command] { chosen_ = &command; });
    }

    void add(Option& option, CLI::App& app) {
        const OptionFacts& facts = option.facts();
        CLI::Option* added = add_option(app, facts);
        added->check([&facts](const std::string& text) { return refusal(facts, text); });
        if (facts.splits_at_commas) added->delimiter(',');
        if (facts.is_required) added->required();
        options_[&option] = added;
    }

    CLI::App& app_;
    std::map<Option*, CLI::Option*> options_;
    const Command* chosen_ = nullptr;
};

int Command::parse_and_run(int argc, char** argv) {
    CLI::App app{description_};
    app.name(name_);
    Parser parser(*this, app);
    std::vector<const char*> arguments(argv, argv + argc);
    if (!commands_.empty() && argc > 1 && std::string_view(argv[1]) == "help") {  // krait help run
        arguments.erase(arguments.begin() + 1);
        arguments.push_back("--help");
    }
    // The command that was named, however deep, or the program; how it is called; the number of names.
    const auto named = [&] {
        const Command* command = this;
        std::string path = name_;
        size_t depth = 0;
        for (auto chosen = app.get_subcommands(); !chosen.empty(); chosen = chosen.front()->get_subcommands(), ++depth) {
            command = command->find_command(chosen.front()->get_name());
            path += " " + command->name_;
        }
        return std::tuple(command, path, depth);
    };
    try {
        return parser.parse(static_cast<int>(arguments.size()), arguments.data()).run_();
    } catch (const CLI::CallForHelp&) {
        const auto [command, path, depth] = named();
        print_(help_text(*command, path, closing_));
        return kExitOk;
    } catch (const CLI::CallForVersion& version) {
        print_(fmt::format("{}\n", version.what()));
        return kExitOk;
    } catch (const CLI::ParseError& error) {
        const auto [command, path, depth] = named();
        std::string text = sentence_of(error, app);
        // CLI11 says only that a subcommand is required, also where there was one that does not exist.
        if (!command->commands_.empty() && dynamic_cast<const CLI::RequiredError*>(&error)) {
            const char* next = depth + 1 < arguments.size() ? arguments[depth + 1] : nullptr;
            text =
                next ? fmt::format("there is no {} '{}'", next[0] == '-' ? "option" : "command", next) : "a command is missing";
        }
        print_error_(fmt::format("{}: {}; see '{} --help'\n", path, text, path));
        return kExitBadInput;
    }
}

}  // namespace krait::tools
