// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/charsmap.hpp"

namespace krait {

namespace {

uint32_t read_u32(std::string_view bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    return value;
}

constexpr uint32_t distance(uint32_t unit) { return (unit >> 10) << ((unit & 1u << 9) >> 6); }
constexpr bool ends_a_key(uint32_t unit) { return (unit >> 8 & 1) != 0; }
constexpr uint32_t label(uint32_t unit) { return unit & (1u << 31 | 0xFF); }
constexpr uint32_t value(uint32_t unit) { return unit & ((1u << 31) - 1); }

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view bytes) {
    Charsmap map;
    if (bytes.empty()) return map;
    const uint64_t size = bytes.size() < 4 ? 0 : read_u32(bytes);
    if (bytes.size() < 4 || size % 4 != 0 || size == 0 || size > bytes.size() - 4 || bytes.back() != '\0')
        return fail(ErrorCode::invalid_argument,
                    "tokenizer: the precompiled character map of {} bytes is damaged: a size, a trie of that many bytes and "
                    "texts that end with zero must fill it, and its size is {}",
                    bytes.size(), size);
    map.units_.reserve(size / 4);
    for (uint64_t i = 0; i < size; i += 4) map.units_.push_back(read_u32(bytes.substr(4 + i)));
    map.texts_ = bytes.substr(4 + size);
    return map;
}

Charsmap::Match Charsmap::find(std::string_view text) const {
    Match longest;
    if (units_.empty()) return longest;
    uint32_t node = distance(units_[0]);
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<uint8_t>(text[i]);
        node ^= byte;
        if (byte == 0 || node >= units_.size() || label(units_[node]) != byte) break;
        const uint32_t unit = units_[node];
        node ^= distance(unit);
        if (!ends_a_key(unit) || node >= units_.size()) continue;
        const uint32_t offset = value(units_[node]);
        if (offset < texts_.size()) longest = {i + 1, std::string_view(texts_.c_str() + offset)};
    }
    return longest;
}

}  // namespace krait
