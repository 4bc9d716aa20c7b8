// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/text_table.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace krait {

TextTable::TextTable(size_t n_text, size_t n_bytes) {
    bytes_.reserve(n_bytes);
    ends_.reserve(n_text);
}

void TextTable::push_back(std::string_view text) {
    bytes_ += text;
    ends_.push_back(static_cast<uint32_t>(bytes_.size()));
}

TextIndex::TextIndex(size_t n_text) : slots_(std::bit_ceil(std::max<size_t>(2 * n_text, 2)), -1) {}

// The slot that holds the text, or the free one where it belongs.
size_t TextIndex::slot_of(const TextTable& texts, std::string_view text) const {
    const size_t mask = slots_.size() - 1;
    size_t slot = std::hash<std::string_view>()(text) & mask;
    while (slots_[slot] >= 0 && texts[static_cast<size_t>(slots_[slot])] != text) slot = (slot + 1) & mask;
    return slot;
}

std::optional<int32_t> TextIndex::insert(const TextTable& texts, int32_t index) {
    int32_t& slot = slots_[slot_of(texts, texts[static_cast<size_t>(index)])];
    if (slot >= 0) return slot;
    slot = index;
    return std::nullopt;
}

std::optional<int32_t> TextIndex::find(const TextTable& texts, std::string_view text) const {
    const int32_t index = slots_[slot_of(texts, text)];
    return index < 0 ? std::nullopt : std::optional(index);
}

}  // namespace krait
