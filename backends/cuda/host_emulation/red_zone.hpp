// SPDX-License-Identifier: Apache-2.0
//
// Bytes round a piece of memory that nobody may write, and that are NaN to whoever reads them.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace krait::cuda::emulation {

inline constexpr uint32_t kRedZoneWord = 0xFFF7BADCu;  // an f32 NaN whose halves no fill pattern of tests equals

inline void fill_red_zone(std::span<std::byte> zone) {
    for (size_t i = 0; i < zone.size(); i += sizeof kRedZoneWord)
        std::memcpy(zone.data() + i, &kRedZoneWord, sizeof kRedZoneWord);
}

// Where the first damaged word is, in bytes from the zone's start.
inline std::optional<size_t> find_damage(std::span<const std::byte> zone) {
    for (size_t i = 0; i < zone.size(); i += sizeof kRedZoneWord)
        if (std::memcmp(zone.data() + i, &kRedZoneWord, sizeof kRedZoneWord) != 0) return i;
    return std::nullopt;
}

}  // namespace krait::cuda::emulation
