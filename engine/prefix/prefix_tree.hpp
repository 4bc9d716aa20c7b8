// SPDX-License-Identifier: Apache-2.0
//
// A radix tree over tokens: every node stands for a prefix, its children for prefixes that go on differently. A node has an
// entry (a state after exactly these tokens), or had one that was evicted, or is where prefixes part.
// Nodes keep their addresses until they are removed. One thread.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/prefix/prefix_entry.hpp"

namespace krait::engine {

struct PrefixNode {
    std::vector<int32_t> label;  // the tokens behind the parent's
    PrefixNode* parent = nullptr;
    size_t n_tok = 0;                                         // of the prefix
    std::map<int32_t, std::unique_ptr<PrefixNode>> children;  // by the first token of their labels
    std::optional<PrefixEntry> entry;
    size_t index = 0;                                         // in PrefixTree::entries(), where it has one
    std::optional<std::list<PrefixNode*>::iterator> evicted;  // it had one
};

class PrefixTree {
  public:
    static constexpr size_t kMaxEvicted = 1024;  // nodes that are remembered although they have nothing

    PrefixTree() = default;
    PrefixTree(const PrefixTree&) = delete;
    PrefixTree& operator=(const PrefixTree&) = delete;

    struct Match {
        size_t n_common = 0;            // tokens that the prompt has in common with any prefix
        std::vector<PrefixNode*> path;  // prefixes of the prompt, the shortest first
    };
    Match match(std::span<const int32_t> tokens);

    // The node of a prefix, with an entry that may be new.
    PrefixNode& insert(std::span<const int32_t> tokens);
    // Takes the entry away, and remembers where it was.
    void evict(PrefixNode& node);
    // Takes it away as if it had never been there.
    void remove(PrefixNode& node);

    std::span<PrefixNode* const> entries() const { return entries_; }
    // How many tokens a later request saves by it: those behind the entry that is next above.
    static size_t tokens_saved(const PrefixNode& node);
    static std::vector<int32_t> tokens_of(const PrefixNode& node);

  private:
    void drop_entry(PrefixNode& node);
    void forget_evicted(PrefixNode& node);
    // Removes a node that stands for nothing, and those above it that then do.
    void prune(PrefixNode* node);
    static PrefixNode& split(PrefixNode& node, size_t n_label);

    PrefixNode root_;
    std::vector<PrefixNode*> entries_;
    std::list<PrefixNode*> evicted_;  // the oldest first
};

}  // namespace krait::engine
