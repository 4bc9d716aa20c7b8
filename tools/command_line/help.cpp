// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line/help.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace krait::tools {
namespace {

constexpr size_t kWidth = 100, kIndent = 30;
constexpr char kNoBreak = '\x1f';  // a space at which a line is not cut

// `left`, and `text` in the column beside it, cut between words; below it where `left` is too long.
std::string entry(std::string left, std::string_view text) {
    std::string lines = "  " + std::move(left);
    size_t column = lines.size();
    if (column + 2 > kIndent) lines += "\n", column = 0;
    lines.append(kIndent - column, ' ');
    column = kIndent;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find(' ', at), text.size());
        if (column > kIndent && column + 1 + end - at > kWidth) {
            lines += "\n" + std::string(kIndent, ' ');
            column = kIndent;
        } else if (column > kIndent) {
            lines += ' ', ++column;
        }
        lines += text.substr(at, end - at);
        column += end - at;
        at = end + 1;
    }
    std::replace(lines.begin(), lines.end(), kNoBreak, ' ');
    return lines + "\n";
}

std::string positional_name(const OptionFacts& facts) {
    if (!facts.value_name.empty()) return facts.value_name;
    std::string name = facts.names;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    return name;
}

std::string option_name(const OptionFacts& facts) {
    const std::string names = fmt::format("{}", fmt::join(facts.name_list(), ", "));
    if (facts.if_bare) return fmt::format("{}[={}]", names, fmt::join(facts.words, "|"));
    return facts.is_flag() ? names : fmt::format("{} {}", names, facts.shown_value());
}

// "most tokens (1 to 4096; default 512)"
std::string description(const Option& option) {
    const OptionFacts& facts = option.facts();
    std::vector<std::string> details;
    if (facts.is_required && !facts.is_positional()) details.emplace_back("required");
    if (facts.range && (facts.range->min != 0 || facts.range->is_bounded())) details.push_back(facts.range->text());
    if (!facts.words.empty() && !facts.if_bare) details.push_back(fmt::format("{}", fmt::join(facts.words, ", ")));
    if (!facts.default_text.empty()) details.push_back("default " + facts.default_text);
    if (details.empty()) return facts.help;
    std::string in_brackets = fmt::format("({})", fmt::join(details, "; "));
    std::replace(in_brackets.begin(), in_brackets.end(), ' ', kNoBreak);
    return facts.help + " " + in_brackets;
}

}  // namespace

std::string help_text(const Command& command, std::string_view path, std::string_view closing) {
    std::string positionals, usage;
    std::vector<std::pair<std::string, std::string>> groups{{"Options", {}}};  // titles, entries
    for (const auto& option : command.options()) {
        const OptionFacts& facts = option->facts();
        if (facts.is_positional()) {
            const std::string name = positional_name(facts) + (facts.takes_several() ? "..." : "");
            usage += facts.is_required ? " " + name : " [" + name + "]";
            positionals += entry(name, description(*option));
            continue;
        }
        const std::string title = facts.group.empty() ? "Options" : facts.group;
        auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.first == title; });
        if (group == groups.end()) group = groups.insert(group, {title, {}});
        group->second += entry(option_name(facts), description(*option));
    }
    groups.front().second += entry("-h, --help", "print this text");
    if (command.has_version()) groups.front().second += entry("--version", "print the version and how it was built");

    std::string text = fmt::format("{}\nUsage: {} [OPTION...]{}{}\n", command.description(), path, usage,
                                   command.commands().empty() ? "" : " COMMAND");
    if (!positionals.empty()) text += "\nArguments:\n" + positionals;
    for (const auto& [title, entries] : groups) text += fmt::format("\n{}:\n{}", title, entries);
    if (!command.commands().empty()) text += "\nCommands:\n";
    for (const auto& one : command.commands()) text += entry(one->name(), one->description());
    if (!command.footer().empty()) text += "\n" + command.footer() + "\n";
    if (!closing.empty()) text += fmt::format("{}{}\n", command.footer().empty() ? "\n" : "", closing);
    return text;
}

}  // namespace krait::tools
