// SPDX-License-Identifier: Apache-2.0
//
// Sizes of memory and files, as people read them: "512 B", "1.0 KiB", "7.9 GiB".
#pragma once

#include <fmt/format.h>

#include <array>
#include <string>

namespace krait {

inline std::string format_bytes(double bytes) {
    constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024.0 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024.0;
    return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}
inline std::string format_bytes(uint64_t bytes) { return format_bytes(static_cast<double>(bytes)); }

}  // namespace krait
