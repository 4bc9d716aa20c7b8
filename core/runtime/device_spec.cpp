// SPDX-License-Identifier: Apache-2.0
#include "core/runtime/device_spec.hpp"

#include <charconv>

namespace krait {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Result<DeviceSpec> parse_device_spec(std::string_view text) {
    const auto words = split(text, ':');
    std::string_view name = words[0];
    size_t digits = 0;
    while (digits < name.size() && is_digit(name[name.size() - 1 - digits])) ++digits;

    DeviceSpec spec;
    if (digits > 0) {
        const std::string_view number = name.substr(name.size() - digits);
        if (std::from_chars(number.data(), number.data() + number.size(), spec.index).ec != std::errc{})
            return fail(ErrorCode::invalid_argument, "device '{}': {} is too large for an index", text, number);
        name.remove_suffix(digits);
    }
    if (name.empty())
        return fail(ErrorCode::invalid_argument,
                    "device '{}' has no name; devices look like 'cpu', 'cuda0' or 'cpu:avx2:threads=2'", text);
    spec.family = name;

    for (size_t i = 1; i < words.size(); ++i) {
        const std::string_view word = words[i];
        if (word.empty()) return fail(ErrorCode::invalid_argument, "device '{}' has an empty word between ':'", text);
        if (word.find('=') != std::string_view::npos) {
            if (!spec.options.empty()) spec.options += ':';
            spec.options += word;
        } else if (spec.variant.empty()) {
            spec.variant = word;
        } else {
            return fail(ErrorCode::invalid_argument, "device '{}' names two variants, '{}' and '{}'", text, spec.variant, word);
        }
    }
    if (spec.is_auto() && words.size() + digits > 1)
        return fail(ErrorCode::invalid_argument, "device '{}': 'auto' takes neither index nor options", text);
    return spec;
}

std::vector<std::string> split_device_list(std::string_view text) {
    std::vector<std::string> devices;
    for (std::string_view part : split(text, ',')) {
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        const bool goes_on =
            !part.empty() && is_digit(part[0]) && !devices.empty() && devices.back().find('=') != std::string::npos;
        if (goes_on) devices.back().append(",").append(part);
        else devices.emplace_back(part);
    }
    return devices;
}

Result<std::vector<DeviceSpec>> parse_device_list(std::string_view text) {
    std::vector<DeviceSpec> specs;
    for (const std::string& part : split_device_list(text)) {
        KRAIT_TRY(DeviceSpec spec, parse_device_spec(part));
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace krait
