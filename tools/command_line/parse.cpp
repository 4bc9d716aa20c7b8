// SPDX-License-Identifier: Apache-2.0
//
// Commands as CLI11 reads them. The only file that includes it: of its headers App, which needs the functions of the other two.
// clang-format off
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
// clang-format on
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <sstream>

#include "tools/command_line/command_line.hpp"

namespace krait::tools {
namespace {

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;

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
bool put_all(const std::vector<std::string>& texts, std::vector<T>& values) {
    values.clear();
    for (const std::string& text : texts)
        if (!put(text, values.emplace_back())) return false;
    return true;
}

std::string type_text(const std::string&) { return "TEXT"; }
std::string type_text(int32_t) { return "INT"; }
std::string type_text(int64_t) { return "INT"; }
std::string type_text(uint64_t) { return "UINT"; }
std::string type_text(float) { return "FLOAT"; }
template <class T>
std::string type_text(const std::optional<T>&) {
    return type_text(T{});
}
template <class T>
std::string type_text(const std::vector<T>&) {
    return type_text(T{});
}

template <class T>
std::string value_text(const T& value) {
    return fmt::format("{}", value);
}
template <class T>
std::string value_text(const std::optional<T>& value) {
    return value ? value_text(*value) : "";
}
template <class T>
std::string value_text(const std::vector<T>& values) {
    return fmt::format("[{}]", fmt::join(values, ","));
}

CLI::Validator range_check(const NumberRange& range) {
    return {[range](std::string& text) {
                return range.holds(text) ? std::string()
                                         : fmt::format("'{}' is no whole number that is possible here: {}", text, range.text());
            },
            range.text()};
}

CLI::Validator word_check(const std::vector<std::string>& words) {
    const std::string all = fmt::format("{{{}}}", fmt::join(words, ","));
    return {[words, all](std::string& text) {
                const bool is_there = std::find(words.begin(), words.end(), text) != words.end();
                return is_there ? std::string() : text + " not in " + all;
            },
            all};
}

// An unset variable of a script: `krait run "$MODEL"` is no wish for the demo model.
CLI::Validator empty_check(const std::string& stands_for) {
    return {[stands_for](const std::string& text) {
                return text.empty() ? fmt::format("this names {}, and is empty", stands_for) : "";
            },
            ""};
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
                const auto take = [target](const CLI::results_t& texts) {
                    if constexpr (kIsVector<T>) return put_all(texts, *target);
                    else return put(texts.front(), *target);
                };
                CLI::Option* option = app.add_option(facts.names, take, facts.help);
                option->type_name(facts.value_name.empty() ? type_text(T{}) : facts.value_name);
                if (kIsVector<T>) option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
                if (facts.shows_default) option->default_str(value_text(*target));
                return option;
            }
        },
        facts.target);
}

}  // namespace

// A Command and its commands as an App and its subcommands; what was given goes back after the parse.
class Parser {
  public:
    Parser(Command& command, CLI::App& app) : app_(app), closing_(command.closing_) { add(command, app); }

    // The chosen command. Throws what CLI11 throws.
    const Command& parse(int argc, char** argv) {
        app_.parse(argc, argv);
        for (const auto& [option, parsed] : options_) option->n_given_ = parsed->count();
        return *chosen_;
    }

  private:
    void add(Command& command, CLI::App& app) {
        app.footer(command.footer_ + (command.footer_.empty() || closing_.empty() ? "" : "\n") + closing_);
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
        if (facts.range) added->check(range_check(*facts.range));
        if (!facts.words.empty()) added->check(word_check(facts.words));
        if (!facts.stands_for.empty()) added->check(empty_check(facts.stands_for));
        if (!facts.group.empty()) added->group(facts.group);
        if (facts.splits_at_commas) added->delimiter(',');
        if (facts.is_required) added->required();
        options_[&option] = added;
    }

    CLI::App& app_;
    const std::string& closing_;
    std::map<Option*, CLI::Option*> options_;
    const Command* chosen_ = nullptr;
};

int Command::parse_and_run(int argc, char** argv) {
    CLI::App app{description_};
    app.name(name_);
    Parser parser(*this, app);
    const Command* chosen = nullptr;
    const auto end = [&](const CLI::Error& error) {
        std::ostringstream text, error_text;
        const bool is_help = app.exit(error, text, error_text) == 0;
        print_(text.str());
        print_error_(error_text.str());
        return is_help ? kExitOk : kExitBadInput;
    };
    try {
        chosen = &parser.parse(argc, argv);
    } catch (const CLI::RequiredError& error) {
        // CLI11 says only that a subcommand is required, also where there was one that does not exist.
        if (!app.get_subcommands().empty() || commands_.empty() || argc < 2 || argv[1][0] == '-') return end(error);
        print_error_(fmt::format("{}: there is no command '{}'; '{} --help' lists them\n", name_, argv[1], name_));
        return kExitBadInput;
    } catch (const CLI::ParseError& error) {
        return end(error);
    }
    return chosen->run_();
}

}  // namespace krait::tools
