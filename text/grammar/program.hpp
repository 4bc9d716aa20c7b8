// SPDX-License-Identifier: Apache-2.0
//
// The form that every kind of grammar is compiled to: rules, each a nondeterministic automaton over bytes. A node can call a
// rule, repeat a rule with a counter, or demand several rules of one text at once. Nothing is copied for a repetition:
// {1000000} is one node.
//
// A program never changes once it is made; threads share it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace krait::grammar {

inline constexpr uint32_t kNone = UINT32_MAX;
inline constexpr uint32_t kEndless = UINT32_MAX;  // as the maximum of a repetition

class ByteSet {
  public:
    void add(uint8_t first, uint8_t last) {
        for (unsigned byte = first; byte <= last; ++byte) words_[byte / 64] |= uint64_t{1} << (byte % 64);
    }
    [[nodiscard]] bool has(uint8_t byte) const { return (words_[byte / 64] >> (byte % 64) & 1) != 0; }
    auto operator<=>(const ByteSet&) const = default;

  private:
    std::array<uint64_t, 4> words_{};
};

enum class NodeKind : uint8_t {
    end,      // of the whole text; node 0 alone
    fail,     // nothing follows
    split,    // to `next`, and to the node `arg` (kNone = to next alone)
    bytes,    // one byte of byte_sets[arg]
    call,     // rules[arg]
    repeat,   // repeats[arg]
    both,     // a text that all of conjunctions[arg] accept
    tokens,   // one token of token_sets[arg]
    trigger,  // triggers[arg] has just been read: goes on as the root does behind it
    final,    // of a rule
};

struct Node {
    NodeKind kind;
    uint32_t arg = kNone;
    uint32_t next = kNone;
};

struct Rule {
    std::string name;
    uint32_t entry = kNone;
    bool is_nullable = false;  // it accepts the empty text
    uint32_t order = 0;        // a rule that another one can begin with has a higher number
};

struct Repeat {
    uint32_t rule;
    uint32_t min, max;  // max: kEndless = without end
    // The rule accepts every plain character (token_index.hpp): tokens of such characters alone need not be looked at one by
    // one. The nodes where its first byte is read are `plain_entries`.
    bool takes_plain = false;
    std::vector<uint32_t> plain_entries = {};
};

struct ConjunctionPart {
    uint32_t rule;
    bool is_negated;  // the rule must not accept the text
};

// Tokens by their ids and by their texts, which must be those of one token each.
struct TokenChoice {
    std::optional<int32_t> id;
    std::string text;
    bool is_negated = false;  // any other token
};

struct Program {
    std::vector<Node> nodes;
    std::vector<Rule> rules;
    std::vector<ByteSet> byte_sets;
    std::vector<Repeat> repeats;
    std::vector<std::vector<ConjunctionPart>> conjunctions;
    std::vector<TokenChoice> token_sets;
    std::vector<std::string> triggers;  // of a lazy grammar
    uint32_t root = 0;                  // the rule of the grammar
    uint32_t start = 0;                 // the rule of the text: the root, or the one that waits for a trigger
    uint32_t first_waiting = kNone;     // this node and those behind it read the text in front of a trigger

    // Found by finish_program:
    std::vector<bool> only_final;         // by node: nothing but the end of its rule follows
    std::array<uint8_t, 256> class_of{};  // bytes that no set tells apart have one class
    std::vector<uint8_t> byte_of_class;   // one of each
    [[nodiscard]] bool is_waiting(uint32_t node) const { return node >= first_waiting; }
};

}  // namespace krait::grammar
