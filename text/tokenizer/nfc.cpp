// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/nfc.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/base/utf8.hpp"

namespace krait {
namespace {

constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);

int combining_class(int32_t point) { return utf8proc_get_property(point)->combining_class; }

// Every run of marks in canonical order. utf8proc_map would do it by swapping neighbors, which takes minutes for a text of
// marks.
void order_marks(std::vector<int32_t>& points) {
    const auto is_mark = [](int32_t point) { return combining_class(point) != 0; };
    for (auto begin = points.begin();;) {
        begin = std::find_if(begin, points.end(), is_mark);
        if (begin == points.end()) return;
        const auto end = std::find_if_not(begin, points.end(), is_mark);
        std::stable_sort(begin, end, [](int32_t a, int32_t b) { return combining_class(a) < combining_class(b); });
        begin = end;
    }
}

}  // namespace

// Every character below U+0300, whose first byte is 0xCC, is as it should be, whatever stands around it.
bool is_nfc_for_sure(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) >= 0xCC; });
}

std::string to_nfc(std::string_view text) {
    std::vector<int32_t> points;
    points.reserve(text.size());
    while (!text.empty()) {
        const size_t length = utf8_step(text).length;
        std::array<int32_t, 8> parts{};  // no character has more than 4
        const auto n = utf8proc_decompose_char(static_cast<int32_t>(utf8_code_point(text.substr(0, length))), parts.data(),
                                               parts.size(), kOptions, nullptr);
        points.insert(points.end(), parts.begin(), parts.begin() + std::clamp<utf8proc_ssize_t>(n, 0, parts.size()));
        text.remove_prefix(length);
    }
    order_marks(points);
    const auto n_point = utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()), kOptions);
    std::string composed;
    for (utf8proc_ssize_t i = 0; i < n_point; ++i) {
        std::array<uint8_t, 4> bytes{};
        const auto n = static_cast<size_t>(utf8proc_encode_char(points[i], bytes.data()));
        composed.append(reinterpret_cast<const char*>(bytes.data()), n);
    }
    return composed;
}

}  // namespace krait
