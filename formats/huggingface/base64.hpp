// SPDX-License-Identifier: Apache-2.0
//
// Bytes that a JSON file holds as text: base64 of RFC 4648, section 4, with its padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace krait::huggingface {

// nullopt where the text is none.
inline std::optional<std::string> decode_base64(std::string_view text) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (text.size() % 4 != 0) return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 3);
    uint32_t bits = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        const size_t digit = kDigits.find(text[i]);
        if (digit == kDigits.npos) return std::nullopt;
        bits = bits << 6 | static_cast<uint32_t>(digit);
        if (i % 4 > 0) bytes += static_cast<char>(bits >> (6 - i % 4 * 2) & 0xFF);
    }
    return bytes;
}

}  // namespace krait::huggingface
