// SPDX-License-Identifier: Apache-2.0
//
// A program's commands and their options. This is the one way to the library that reads arguments (CLI11), whose headers take
// most of a minute to compile: command_line.cpp alone includes them.
//   Command program("krait", "Runs models.");
//   Command& run = program.command("run", "Let a model continue a text");
//   run.option("-n,--n-predict", arguments.n, "most tokens to write").show_default().in_range(-1, INT64_MAX);
//   run.body([&] { return go_on(arguments); });
//   return program.parse_and_run(argc, argv);
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace krait::tools {

// 0 success · 1 it failed while it ran · 2 bad input: arguments, files, names · 130 stopped by Ctrl-C
inline constexpr int kExitOk = 0, kExitFailure = 1, kExitBadInput = 2, kExitInterrupted = 130;

// Where an option's value goes, which also says what it takes: a vector takes the option several times.
using OptionTarget =
    std::variant<bool*, std::string*, std::optional<std::string>*, std::vector<std::string>*, int32_t*, int64_t*, uint64_t*,
                 float*, std::optional<int32_t>*, std::optional<int64_t>*, std::vector<int32_t>*, std::vector<int64_t>*>;

struct NumberRange {
    int64_t min = 0;
    uint64_t max = UINT64_MAX;
    bool is_bounded() const { return max != UINT64_MAX && max != INT64_MAX; }
    bool holds(std::string_view text) const;  // text is a whole decimal number of the range, and nothing else
    std::string text() const;                 // "1 to 1024", "0 or more"
};

// All that is known of an option. Help, errors and completions are made from these facts.
struct OptionFacts {
    std::string names;  // "-n,--n-predict"; without '-' in front it is positional
    OptionTarget target;
    std::string help;
    std::string value_name;                // in the help: N, FILE; empty = by the target's type
    std::string group;                     // the title it stands under; empty = Options
    std::vector<std::string> words;        // all that it takes, where not empty
    std::vector<std::string> suggestions;  // some of what it takes, for completions
    std::optional<NumberRange> range;      // of whole numbers
    std::optional<std::string> if_bare;    // of a flag that may have a value: the one it has without
    std::string stands_for;                // "a file": the value is its name, and an empty one is an error
    std::string default_text;              // shown in the help, where not empty
    bool is_path = false, is_required = false, splits_at_commas = false;
    bool is_flag() const { return std::holds_alternative<bool*>(target) || if_bare.has_value(); }
    bool is_positional() const { return names.front() != '-'; }
    bool takes_several() const;
    std::vector<std::string> name_list() const;  // {"-n", "--n-predict"}
    std::string shown_value() const;             // value_name, or what stands for the target's type: TEXT, N, NUMBER
};

class Option {
  public:
    Option(std::string names, OptionTarget target, std::string help);
    Option(const Option&) = delete;  // a command knows its options by their addresses
    Option(Option&&) = default;

    Option& value_name(std::string name);
    Option& path(std::string value_name);  // the name of a file
    Option& in_range(int64_t min = 0, uint64_t max = UINT64_MAX);
    Option& one_of(std::vector<std::string> words);
    Option& suggest(std::vector<std::string> words);
    Option& not_empty(std::string stands_for);
    Option& group(std::string title);
    Option& required();
    Option& show_default();     // what the target holds now
    Option& split_at_commas();  // each time it is given: 1,2,3
    Option& excludes(const Option& other);

    bool given() const { return n_given_ > 0; }  // on the command line, after parse()
    const OptionFacts& facts() const { return facts_; }
    const std::vector<const Option*>& excluded() const { return excluded_; }

  private:
    friend class Command;
    friend class Parser;
    OptionFacts facts_;
    std::vector<const Option*> excluded_;
    size_t n_given_ = 0;
};

class Command {
  public:
    Command(std::string name, std::string description);

    // A value that must outlive parse_and_run.
    template <class T>
    Option& option(std::string names, T& target, std::string help) {
        return add({std::move(names), OptionTarget(&target), std::move(help)});
    }
    // A flag that may have a value behind '=': --explain is --explain=table.
    Option& flag_with_value(std::string names, std::string& target, std::string if_bare, std::string help);
    Command& command(std::string name, std::string description);  // of which one has to be chosen
    void footer(std::string text) { footer_ = std::move(text); }
    void closing(std::string text) { closing_ = std::move(text); }  // last in its help and in that of its commands
    void version(std::function<std::string()> text) { version_ = std::move(text); }  // what --version prints
    void body(std::function<int()> run) { run_ = std::move(run); }                   // the result is the exit code

    // Where help and errors go, else standard output and standard error.
    using Print = void (*)(std::string_view text);
    void print_with(Print print, Print print_error) { print_ = print, print_error_ = print_error; }

    // Reads the arguments and runs the body of the command that they choose. Help, version and errors are printed. Gives the
    // exit code.
    int parse_and_run(int argc, char** argv);

    const std::string& name() const { return name_; }
    const std::string& description() const { return description_; }
    const std::string& footer() const { return footer_; }
    bool has_version() const { return version_ != nullptr; }
    const std::vector<std::unique_ptr<Option>>& options() const { return options_; }
    const std::vector<std::unique_ptr<Command>>& commands() const { return commands_; }

  private:
    friend class Parser;
    Option& add(Option option);
    const Command* find_command(std::string_view name) const;  // nullptr where there is none

    std::string name_, description_, footer_, closing_;
    std::vector<std::unique_ptr<Option>> options_;  // references to them stay valid
    std::vector<std::unique_ptr<Command>> commands_;
    std::function<int()> run_;
    std::function<std::string()> version_;
    Print print_ = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); };
    Print print_error_ = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); };
};

}  // namespace krait::tools
