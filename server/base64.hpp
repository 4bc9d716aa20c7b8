// SPDX-License-Identifier: Apache-2.0
//
// Bytes as text, for embeddings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace krait::server {

// RFC 4648, with padding.
inline std::string base64(std::string_view bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const auto byte = [&](size_t k) {
            return i + k < bytes.size() ? uint32_t{static_cast<unsigned char>(bytes[i + k])} : uint32_t{0};
        };
        const uint32_t three = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? kDigits[three >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

}  // namespace krait::server
