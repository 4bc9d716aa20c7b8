// SPDX-License-Identifier: Apache-2.0
//
// Whether bytes are text: UTF-8 as RFC 3629 has it, without surrogates and overlong forms.
#pragma once

#include <cstddef>
#include <string_view>

namespace krait::server {

inline bool is_utf8(std::string_view bytes) {
    const auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
    for (size_t i = 0; i < bytes.size();) {
        const unsigned char first = at(i);
        if (first < 0x80) {
            ++i;
            continue;
        }
        const size_t n = first >= 0xC2 && first <= 0xDF   ? 2
                         : (first & 0xF0) == 0xE0         ? 3
                         : first >= 0xF0 && first <= 0xF4 ? 4
                                                          : 0;
        if (n == 0 || i + n > bytes.size()) return false;
        // The second byte keeps out overlong forms, surrogates, and what lies beyond U+10FFFF.
        const unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        const unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (at(i + 1) < least || at(i + 1) > most) return false;
        for (size_t k = 2; k < n; ++k)
            if ((at(i + k) & 0xC0) != 0x80) return false;
        i += n;
    }
    return true;
}

}  // namespace krait::server
