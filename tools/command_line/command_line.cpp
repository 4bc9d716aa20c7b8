// SPDX-License-Identifier: Apache-2.0
#include "tools/command_line/command_line.hpp"

#include <fmt/ranges.h>

#include <charconv>

namespace krait::tools {
namespace {

template <class T>
std::string text_of(const T& value) {
    return fmt::format("{}", value);
}
template <class T>
std::string text_of(const std::optional<T>& value) {
    return value ? text_of(*value) : "";
}
template <class T>
std::string text_of(const std::vector<T>& values) {
    return fmt::format("{}", fmt::join(values, ","));
}

}  // namespace

bool NumberRange::holds(std::string_view text) const {
    const char *const begin = text.data(), *const end = begin + text.size();
    const auto is_whole = [&](auto& number) {
        const auto [last, code] = std::from_chars(begin, end, number);
        return code == std::errc{} && last == end;
    };
    int64_t below_zero = 0;
    uint64_t number = 0;
    if (text.starts_with('-')) return is_whole(below_zero) && below_zero >= min;
    return is_whole(number) && number <= max && (min <= 0 || number >= static_cast<uint64_t>(min));
}

std::string NumberRange::text() const {
    return std::to_string(min) + (is_bounded() ? " to " + std::to_string(max) : " or more");
}

bool OptionFacts::takes_several() const {
    return std::holds_alternative<std::vector<std::string>*>(target) || std::holds_alternative<std::vector<int32_t>*>(target) ||
           std::holds_alternative<std::vector<int64_t>*>(target);
}

std::vector<std::string> OptionFacts::name_list() const {
    std::vector<std::string> list;
    for (size_t from = 0; from <= names.size();) {
        const size_t end = std::min(names.find(',', from), names.size());
        list.push_back(names.substr(from, end - from));
        from = end + 1;
    }
    return list;
}

std::string OptionFacts::shown_value() const {
    if (!value_name.empty()) return value_name;
    const bool is_text = std::holds_alternative<std::string*>(target) ||
                         std::holds_alternative<std::optional<std::string>*>(target) ||
                         std::holds_alternative<std::vector<std::string>*>(target);
    return is_text ? "TEXT" : std::holds_alternative<float*>(target) ? "NUMBER" : "N";
}

Option::Option(std::string names, OptionTarget target, std::string help)
    : facts_{.names = std::move(names), .target = target, .help = std::move(help)} {}

Option& Option::value_name(std::string name) {
    facts_.value_name = std::move(name);
    return *this;
}

Option& Option::path(std::string value_name) {
    facts_.value_name = std::move(value_name);
    facts_.is_path = true;
    return *this;
}

Option& Option::in_range(int64_t min, uint64_t max) {
    facts_.range = NumberRange{min, max};
    return *this;
}

Option& Option::one_of(std::vector<std::string> words) {
    facts_.words = std::move(words);
    return *this;
}

Option& Option::suggest(std::vector<std::string> words) {
    facts_.suggestions = std::move(words);
    return *this;
}

Option& Option::not_empty(std::string stands_for) {
    facts_.stands_for = std::move(stands_for);
    return *this;
}

Option& Option::group(std::string title) {
    facts_.group = std::move(title);
    return *this;
}

Option& Option::required() {
    facts_.is_required = true;
    return *this;
}

Option& Option::show_default() {
    facts_.default_text = std::visit([](const auto* target) { return text_of(*target); }, facts_.target);
    return *this;
}

Option& Option::split_at_commas() {
    facts_.splits_at_commas = true;
    return *this;
}

Option& Option::excludes(const Option& other) {
    excluded_.push_back(&other);
    return *this;
}

Command::Command(std::string name, std::string description) : name_(std::move(name)), description_(std::move(description)) {}

Option& Command::add(Option option) {
    options_.push_back(std::make_unique<Option>(std::move(option)));
    return *options_.back();
}

Option& Command::flag_with_value(std::string names, std::string& target, std::string if_bare, std::string help) {
    Option& option = add({std::move(names), &target, std::move(help)});
    option.facts_.if_bare = std::move(if_bare);
    return option;
}

Command& Command::command(std::string name, std::string description) {
    commands_.push_back(std::make_unique<Command>(std::move(name), std::move(description)));
    return *commands_.back();
}

const Command* Command::find_command(std::string_view name) const {
    for (const auto& command : commands_)
        if (command->name() == name) return command.get();
    return nullptr;
}

}  // namespace krait::tools
