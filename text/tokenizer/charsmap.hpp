// SPDX-License-Identifier: Apache-2.0
//
// The character map of sentencepiece (NormalizerSpec.precompiled_charsmap): rules "this text becomes that one", the longest
// first.
//
// Layout, all numbers little-endian: u32 size of a trie in bytes; the trie; the texts that rules make, each ended by a zero
// byte. The trie is a double array of u32 units (Aoe 1989, as darts-clone stores it). A unit says: bits 0..7 and 31 the byte
// that leads to it, bit 8 that a key ends here, bits 10.. the distance to its children, in units of 256 where bit 9 is set.
// The unit of an ended key has the offset of its text in bits 0..30.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

class Charsmap {
  public:
    Charsmap() = default;  // changes nothing
    // Fails where sizes do not fit; whatever units say, find stays inside.
    [[nodiscard]] static Result<Charsmap> parse(std::string_view bytes);

    struct Match {
        size_t length = 0;  // 0 = no rule
        std::string_view text;
    };
    // The rule of the longest text that `text` begins with.
    [[nodiscard]] Match find(std::string_view text) const;
    [[nodiscard]] bool is_empty() const { return units_.empty(); }

  private:
    std::vector<uint32_t> units_;
    std::string texts_;
};

}  // namespace krait
