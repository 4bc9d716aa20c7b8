// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace krait::tools {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
    return fmt::format("{}", fmt::join(words, between));
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) text.replace(at, what.size(), with);
    return text;
}

// The words between the quotes of sh, bash and zsh.
std::string shell_quoted(const std::string& text) { return "'" + replaced(text, "'", R"('\'')") + "'"; }
std::string quoted_for_fish(const std::string& text) { return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'"; }

// A help text up to where it goes into details.
std::string brief(const std::string& help) {
    return help.substr(0, std::min({help.find(": "), help.find("; "), help.find('\n')}));
}

// All words that are offered for a value, or for the positional arguments of a command.
std::vector<std::string> offered(const OptionFacts& facts) { return facts.words.empty() ? facts.suggestions : facts.words; }

// A command that has commands (krait gguf split) offers theirs too, each name once.
std::vector<const Option*> options_of(const Command& command) {
    std::vector<const Option*> all;
    for (const auto& option : command.options()) all.push_back(option.get());
    for (const auto& inner : command.commands())
        for (const auto& option : inner->options())
            if (std::none_of(all.begin(), all.end(),
                             [&](const Option* o) { return o->facts().names == option->facts().names; }))
                all.push_back(option.get());
    return all;
}

std::vector<std::string> command_names(const Command& program) {
    std::vector<std::string> names;
    for (const auto& command : program.commands()) names.push_back(command->name());
    return names;
}

struct Positionals {
    std::vector<std::string> words;
    bool has_path = false;
};

Positionals positionals_of(const Command& command) {
    Positionals all{.words = command_names(command)};
    for (const Option* option : options_of(command)) {
        if (!option->facts().is_positional()) continue;
        const auto words = offered(option->facts());
        all.words.insert(all.words.end(), words.begin(), words.end());
        all.has_path |= option->facts().is_path;
    }
    return all;
}

std::vector<std::string> option_names(const Command& command) {
    std::vector<std::string> names;
    for (const Option* option : options_of(command))
        if (!option->facts().is_positional())
            for (const std::string& name : option->facts().name_list()) names.push_back(name);
    names.insert(names.end(), {"-h", "--help"});
    return names;
}

// "[help]" of zsh's _arguments, whose own marks are escaped.
std::string zsh_help(const std::string& help) {
    std::string text = brief(help);
    for (const char* mark : {"\\", "[", "]", ":"}) text = replaced(text, mark, std::string("\\") + mark);
    return "[" + text + "]";
}

// ":value:what to offer"
std::string zsh_value(const OptionFacts& facts, const std::string& name) {
    const auto words = offered(facts);
    const std::string action = facts.is_path ? "_files" : words.empty() ? " " : "(" + joined(words) + ")";
    return ":" + replaced(name, ":", "\\:") + ":" + action;
}

std::vector<std::string> zsh_arguments(const Command& command) {
    std::vector<std::string> arguments;
    if (!command.commands().empty()) arguments.push_back(shell_quoted(":command:(" + joined(command_names(command)) + ")"));
    for (const Option* option : options_of(command)) {
        const OptionFacts& facts = option->facts();
        if (facts.is_positional()) {
            arguments.push_back(shell_quoted((facts.is_required ? "" : ":") + zsh_value(facts, facts.names)));
            continue;
        }
        const auto names = facts.name_list();
        const std::string once = facts.takes_several() ? "*" : "(" + joined(names) + ")";
        for (const std::string& name : names) {
            std::string spec = once + name;
            if (facts.if_bare) spec += "=-" + zsh_help(facts.help) + ":" + zsh_value(facts, "value");
            else if (facts.is_flag()) spec += zsh_help(facts.help);
            else spec += (name.starts_with("--") ? "=" : "+") + zsh_help(facts.help) + zsh_value(facts, "value");
            arguments.push_back(shell_quoted(spec));
        }
    }
    arguments.push_back("'(-h --help)'{-h,--help}'[print the help]'");
    return arguments;
}

}  // namespace

std::string bash_completion(const Command& program) {
    std::string values, commands;
    for (const auto& command : program.commands()) {
        for (const Option* option : options_of(*command)) {
            const OptionFacts& facts = option->facts();
            if (facts.is_positional() || (facts.is_flag() && !facts.if_bare)) continue;
            std::vector<std::string> patterns;
            for (const std::string& name : facts.name_list()) {
                if (!facts.if_bare) patterns.push_back(shell_quoted(command->name() + " " + name));
                if (name.starts_with("--")) patterns.push_back(shell_quoted(command->name() + " " + name + "="));
            }
            values += fmt::format("        {}) {} ;;\n", joined(patterns, " | "),
                                  facts.is_path ? "files=1" : "words=" + shell_quoted(joined(offered(facts))));
        }
        const Positionals positionals = positionals_of(*command);
        commands += fmt::format("                {}) options={} words={} files={} ;;\n", command->name(),
                                shell_quoted(joined(option_names(*command))), shell_quoted(joined(positionals.words)),
                                positionals.has_path ? "1" : "");
    }
    std::vector<std::string> first = command_names(program);
    first.insert(first.end(), {"--help", "--version"});
    // "=" is a word of its own: --output=json is three. The text has no braces but those of the shell, hence no fmt::format.
    std::string script = R"(# bash completion of @NAME@, made by '@NAME@ completion bash'
_@NAME@() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} equals='' command='' options='' words='' files='' i
    if [[ $cur == '=' ]]; then
        cur='' equals='='
    elif [[ $prev == '=' ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]} equals='='
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then
            command=${COMP_WORDS[i]}
            break
        fi
    done
    case "$command $prev$equals" in
@VALUES@        *)
            case $command in
                '') words=@FIRST@ ;;
@COMMANDS@            esac
            if [[ $cur == -* ]]; then
                words="$options $words" files=''
            fi
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur" || compgen -W "$words" -- "${cur,,}"; [[ $files ]] && compgen -f -- "$cur")
    if [[ $files ]]; then
        compopt -o filenames 2>/dev/null
    fi
}
complete -F _@NAME@ @NAME@
)";
    script = replaced(std::move(script), "@FIRST@", shell_quoted(joined(first)));
    script = replaced(std::move(script), "@NAME@", program.name());
    script = replaced(std::move(script), "@COMMANDS@", commands);
    return replaced(std::move(script), "@VALUES@", values);
}

std::string zsh_completion(const Command& program) {
    std::string names, cases;
    for (const auto& command : program.commands()) {
        names +=
            fmt::format("            {}\n", shell_quoted(command->name() + ":" + replaced(command->description(), ":", "\\:")));
        cases += fmt::format(
            "        {})\n            _arguments -s -M 'm:{{a-zA-Z}}={{A-Za-z}} r:|[_-]=* r:|=*' \\\n                {}\n      "
            "      ;;\n",
            command->name(), joined(zsh_arguments(*command), " \\\n                "));
    }
    std::string script = R"(#compdef @NAME@
# zsh completion of @NAME@, made by '@NAME@ completion zsh'
_@NAME@() {
    if (( CURRENT == 2 )); then
        local -a commands=(
@NAMES@        )
        _describe command commands
        _arguments '--help[print the help]' '--version[print the version]'
        return
    fi
    shift words
    (( CURRENT-- ))
    case $words[1] in
@CASES@    esac
}
if [[ $funcstack[1] == _@NAME@ ]]; then
    _@NAME@ "$@"
else
    compdef _@NAME@ @NAME@
fi
)";
    script = replaced(std::move(script), "@NAMES@", names);
    script = replaced(std::move(script), "@NAME@", program.name());
    return replaced(std::move(script), "@CASES@", cases);
}

std::string fish_completion(const Command& program) {
    const std::string begin = "complete -c " + program.name();
    std::string script =
        fmt::format("# fish completion of {0}, made by '{0} completion fish'\n{1} -f\n", program.name(), begin);
    script += begin + " -n __fish_use_subcommand -l version -d 'print the version'\n";
    script += begin + " -s h -l help -d 'print the help'\n";
    for (const auto& command : program.commands()) {
        script += fmt::format("{} -n __fish_use_subcommand -a {} -d {}\n", begin, command->name(),
                              quoted_for_fish(command->description()));
        const std::string within = fmt::format("{} -n '__fish_seen_subcommand_from {}'", begin, command->name());
        const Positionals positionals = positionals_of(*command);
        if (positionals.has_path) script += within + " -F\n";
        if (!positionals.words.empty()) script += fmt::format("{} -a {}\n", within, quoted_for_fish(joined(positionals.words)));
        for (const Option* option : options_of(*command)) {
            const OptionFacts& facts = option->facts();
            if (facts.is_positional()) continue;
            script += within;
            for (const std::string& name : facts.name_list())
                script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (!facts.is_flag()) script += facts.is_path ? " -r -F" : " -x";
            if (const auto words = offered(facts); !words.empty()) script += " -a " + quoted_for_fish(joined(words));
            script += " -d " + quoted_for_fish(brief(facts.help)) + "\n";
        }
    }
    return script;
}

}  // namespace krait::tools
