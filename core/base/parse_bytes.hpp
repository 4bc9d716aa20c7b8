// SPDX-License-Identifier: Apache-2.0
//
// Sizes as people type them: "512", "500K", "1.5M", "8G", "2T"; the units are powers of 1024.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace krait {

// Bytes, at least 0 and finite, not rounded; nothing for a text that is no size.
inline std::optional<double> parse_bytes(std::string_view text) {
    constexpr std::string_view kUnits = "KMGT";
    uint64_t unit = 1;
    if (const size_t at = text.empty() ? kUnits.npos : kUnits.find(text.back()); at != kUnits.npos) {
        unit = uint64_t{1} << (10 * (at + 1));
        text.remove_suffix(1);
    }
    double number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc{} || end != text.data() + text.size() || !std::isfinite(number) || number < 0) return std::nullopt;
    return number * static_cast<double>(unit);
}

}  // namespace krait
