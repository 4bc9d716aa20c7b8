// SPDX-License-Identifier: Apache-2.0
//
// The option text of device_open.
#include <charconv>

#include "backends/common/plugin_shim.hpp"

namespace krait::plugin {
namespace {

std::string list_of(std::span<const OptionSpec> known) {
    if (known.empty()) return "this device has no options";
    std::string text = "known options are";
    for (size_t i = 0; i < known.size(); ++i) text += fmt::format("{} {} ({})", i ? "," : "", known[i].key, known[i].help);
    return text;
}

}  // namespace

Options::Options(std::string_view text, std::span<const OptionSpec> known) : text_(text) {
    std::string_view rest = text_;
    while (!rest.empty()) {
        const size_t end = rest.find(':');
        const std::string_view word = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        const size_t equals = word.find('=');
        if (equals == std::string_view::npos || equals == 0)
            throw_error(ErrorCode::invalid_argument, "option '{}' is not of the form key=value; {}", word, list_of(known));
        const std::string_view key = word.substr(0, equals);
        bool is_known = false;
        for (const OptionSpec& spec : known) is_known = is_known || spec.key == key;
        if (!is_known) throw_error(ErrorCode::invalid_argument, "unknown option '{}'; {}", key, list_of(known));
        if (this->text(key)) throw_error(ErrorCode::invalid_argument, "option '{}' is given twice", key);
        values_.emplace_back(key, word.substr(equals + 1));
    }
}

std::optional<std::string_view> Options::text(std::string_view key) const {
    for (const auto& [name, value] : values_)
        if (name == key) return value;
    return std::nullopt;
}

std::optional<int64_t> Options::integer(std::string_view key, int64_t min, int64_t max) const {
    const auto value = text(key);
    if (!value) return std::nullopt;
    int64_t number = 0;
    const char* end = value->data() + value->size();
    const auto parsed = std::from_chars(value->data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end || number < min || number > max)
        throw_error(ErrorCode::invalid_argument, "option {}={}: it must be a whole number from {} to {}", key, *value, min,
                    max);
    return number;
}

std::optional<bool> Options::boolean(std::string_view key) const {
    const auto value = text(key);
    if (!value) return std::nullopt;
    if (*value == "1" || *value == "on") return true;
    if (*value == "0" || *value == "off") return false;
    throw_error(ErrorCode::invalid_argument, "option {}={}: it must be on or off", key, *value);
}

}  // namespace krait::plugin
