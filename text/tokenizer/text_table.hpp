// SPDX-License-Identifier: Apache-2.0
//
// The texts of a vocabulary in one buffer, and the way from a text to its id. A std::string for each text and a
// std::unordered_map of them would take 130 bytes a token more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace krait {

// Texts by number, 0 for the first that was added; 4 GiB of them at most. Views of them are valid until the next one is added.
class TextTable {
  public:
    static constexpr uint64_t kMaxBytes = UINT32_MAX;  // of all texts

    TextTable() = default;
    TextTable(size_t n_text, size_t n_bytes);  // room for as many, and for the bytes of all

    void push_back(std::string_view text);
    [[nodiscard]] size_t size() const { return ends_.size(); }
    // index < size().
    [[nodiscard]] std::string_view operator[](size_t index) const {
        const size_t begin = index == 0 ? 0 : ends_[index - 1];
        return std::string_view(bytes_).substr(begin, ends_[index] - begin);
    }

  private:
    std::string bytes_;
    std::vector<uint32_t> ends_;
};

// Text -> its index in a TextTable, for up to 2^31 - 1 texts. Open addressing, at most half full: 8 to 16 bytes a text.
class TextIndex {
  public:
    explicit TextIndex(size_t n_text = 0);  // the number of texts that will be inserted, at most

    // Makes texts[index] findable; where an equal text is there already nothing changes, and that one's index comes back.
    std::optional<int32_t> insert(const TextTable& texts, int32_t index);
    [[nodiscard]] std::optional<int32_t> find(const TextTable& texts, std::string_view text) const;

  private:
    [[nodiscard]] size_t slot_of(const TextTable& texts, std::string_view text) const;
    std::vector<int32_t> slots_;  // -1 = free
};

}  // namespace krait
