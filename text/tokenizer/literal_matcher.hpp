// SPDX-License-Identifier: Apache-2.0
//
// Finds literal tokens in text: the leftmost, and the longest there; then the next one behind it. Built once, then only read.
//
// The automaton of Aho and Corasick for the reversed literals reads the text from its end: at each place it knows the longest
// literal that begins there. So the time is that of the text, whatever the literals are: 10,000 of them, or "a", "aa", "aaa",
// ... A. Aho, M. Corasick, "Efficient String Matching: An Aid to Bibliographic Search", CACM 18 (1975).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer/byte_trie.hpp"

namespace krait {

class LiteralMatcher {
  public:
    struct Hit {
        size_t begin, end;  // in the text
        int32_t id;
    };

    // Texts must be distinct and not empty. Throws BuildCancelled.
    explicit LiteralMatcher(std::vector<std::pair<std::string, int32_t>> literals = {}, const KeepGoing& keep_going = {});

    [[nodiscard]] bool is_empty() const { return trie_.is_empty(); }

    // All hits, in the order of the text.
    [[nodiscard]] std::vector<Hit> find_all(std::string_view text) const;

  private:
    struct Longest {
        int32_t id = -1;
        uint32_t length = 0;  // 0 = none
    };
    ByteTrie trie_;                    // of the reversed literals
    std::vector<int32_t> fallbacks_;   // the node of the longest proper suffix that is a node too
    std::vector<Longest> longest_at_;  // the longest literal that a node's text ends with
};

}  // namespace krait
