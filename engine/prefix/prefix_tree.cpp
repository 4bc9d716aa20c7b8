// SPDX-License-Identifier: Apache-2.0
#include "engine/prefix/prefix_tree.hpp"

#include <algorithm>

namespace krait::engine {
namespace {

size_t n_equal(std::span<const int32_t> a, std::span<const int32_t> b) {
    const size_t n = std::min(a.size(), b.size());
    return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(n), b.begin()).first - a.begin());
}

}  // namespace

PrefixTree::Match PrefixTree::match(std::span<const int32_t> tokens) {
    Match match;
    for (PrefixNode* node = &root_; match.n_common < tokens.size();) {
        const auto child = node->children.find(tokens[match.n_common]);
        if (child == node->children.end()) break;
        node = child->second.get();
        const size_t n = n_equal(node->label, tokens.subspan(match.n_common));
        match.n_common += n;
        if (n < node->label.size()) break;
        match.path.push_back(node);
    }
    return match;
}

// A new node takes the first tokens of the label, and the old one stays below it.
PrefixNode& PrefixTree::split(PrefixNode& node, size_t n_label) {
    PrefixNode& parent = *node.parent;
    std::unique_ptr<PrefixNode>& place = parent.children[node.label.front()];
    std::unique_ptr<PrefixNode> lower = std::move(place);
    place = std::make_unique<PrefixNode>();
    PrefixNode& upper = *place;
    const auto middle = lower->label.begin() + static_cast<ptrdiff_t>(n_label);
    upper.label.assign(lower->label.begin(), middle);
    upper.parent = &parent;
    upper.n_tok = parent.n_tok + n_label;
    lower->label.erase(lower->label.begin(), middle);
    lower->parent = &upper;
    upper.children[lower->label.front()] = std::move(lower);
    return upper;
}

PrefixNode& PrefixTree::insert(std::span<const int32_t> tokens) {
    PrefixNode* node = &root_;
    for (size_t done = 0; done < tokens.size(); done = node->n_tok) {
        const auto child = node->children.find(tokens[done]);
        if (child == node->children.end()) {
            auto leaf = std::make_unique<PrefixNode>();
            leaf->label.assign(tokens.begin() + static_cast<ptrdiff_t>(done), tokens.end());
            leaf->parent = node;
            leaf->n_tok = tokens.size();
            node = (node->children[tokens[done]] = std::move(leaf)).get();
            break;
        }
        node = child->second.get();
        const size_t n = n_equal(node->label, tokens.subspan(done));
        if (n < node->label.size()) node = &split(*node, n);
    }
    forget_evicted(*node);
    if (!node->entry) {
        entries_.push_back(node);
        node->index = entries_.size() - 1;
        node->entry.emplace();
    }
    return *node;
}

void PrefixTree::drop_entry(PrefixNode& node) {
    entries_.back()->index = node.index;
    entries_[node.index] = entries_.back();
    entries_.pop_back();
    node.entry.reset();
}

void PrefixTree::forget_evicted(PrefixNode& node) {
    if (node.evicted) evicted_.erase(*node.evicted);
    node.evicted.reset();
}

void PrefixTree::evict(PrefixNode& node) {
    drop_entry(node);
    node.evicted = evicted_.insert(evicted_.end(), &node);
    if (evicted_.size() <= kMaxEvicted) return;
    PrefixNode* oldest = evicted_.front();
    forget_evicted(*oldest);
    prune(oldest);
}

void PrefixTree::remove(PrefixNode& node) {
    drop_entry(node);
    prune(&node);
}

void PrefixTree::prune(PrefixNode* node) {
    while (node->parent && !node->entry && !node->evicted) {
        PrefixNode* parent = node->parent;
        const auto place = parent->children.find(node->label.front());
        if (node->children.size() > 1) return;
        if (node->children.size() == 1) {  // the child takes its place
            std::unique_ptr<PrefixNode> child = std::move(node->children.begin()->second);
            child->label.insert(child->label.begin(), node->label.begin(), node->label.end());
            child->parent = parent;
            place->second = std::move(child);
            return;
        }
        parent->children.erase(place);
        node = parent;
    }
}

size_t PrefixTree::tokens_saved(const PrefixNode& node) {
    for (const PrefixNode* above = node.parent; above; above = above->parent)
        if (above->entry) return node.n_tok - above->n_tok;
    return node.n_tok;
}

std::vector<int32_t> PrefixTree::tokens_of(const PrefixNode& node) {
    std::vector<int32_t> tokens(node.n_tok);
    for (const PrefixNode* part = &node; part->parent; part = part->parent)
        std::copy(part->label.begin(), part->label.end(), tokens.begin() + static_cast<ptrdiff_t>(part->parent->n_tok));
    return tokens;
}

}  // namespace krait::engine
