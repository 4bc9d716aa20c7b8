// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/nfc.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/base/utf8.hpp"
#include "text/tokenizer/characters.hpp"

namespace krait {
namespace {

constexpr auto kCompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
constexpr auto kDecompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);

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

// The characters of valid UTF-8, taken apart, their marks in canonical order.
std::vector<int32_t> decompose(std::string_view text, utf8proc_option_t options) {
    std::vector<int32_t> points;
    points.reserve(text.size());
    while (!text.empty()) {
        const size_t length = utf8_step(text).length;
        std::array<int32_t, 8> parts{};  // no character has more than 4
        const auto n = utf8proc_decompose_char(static_cast<int32_t>(utf8_code_point(text.substr(0, length))), parts.data(),
                                               parts.size(), options, nullptr);
        points.insert(points.end(), parts.begin(), parts.begin() + std::clamp<utf8proc_ssize_t>(n, 0, parts.size()));
        text.remove_prefix(length);
    }
    order_marks(points);
    return points;
}

std::string to_utf8(const std::vector<int32_t>& points) {
    std::string text;
    text.reserve(points.size());
    for (const int32_t point : points) append_utf8(text, static_cast<char32_t>(point));
    return text;
}

}  // namespace

// Every character below U+0300, whose first byte is 0xCC, is as it should be, whatever stands around it.
bool is_nfc_for_sure(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) >= 0xCC; });
}

std::string to_nfc(std::string_view text) {
    std::vector<int32_t> points = decompose(text, kCompose);
    const auto n_point = utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()), kCompose);
    points.resize(static_cast<size_t>(std::max<utf8proc_ssize_t>(n_point, 0)));
    return to_utf8(points);
}

std::string to_nfd(std::string_view text) { return to_utf8(decompose(text, kDecompose)); }

}  // namespace krait
