// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/token_index.hpp"

#include <algorithm>

#include "core/base/utf8.hpp"

namespace krait::grammar {

CodePointSet plain_characters() { return CodePointSet({{0x20, 0x10FFFF}}).without({{'"', '"'}, {'\\', '\\'}}); }

namespace {

uint8_t plain_count(std::string_view bytes) {
    size_t count = 0;
    while (!bytes.empty()) {
        const auto byte = static_cast<uint8_t>(bytes[0]);
        const Utf8Step step = utf8_step(bytes);
        if (step.kind != Utf8Kind::character || byte < 0x20 || byte == '"' || byte == '\\') return TokenIndex::kNotPlain;
        bytes.remove_prefix(step.length);
        if (++count > TokenIndex::kMaxPlain) return TokenIndex::kNotPlain;
    }
    return static_cast<uint8_t>(count);
}

using SortedTokens = std::vector<std::pair<std::string_view, int32_t>>;

// Of different byte strings in order.
std::vector<TrieNode> trie_of(const SortedTokens& sorted, std::span<const uint8_t> plain) {
    std::vector<TrieNode> nodes;
    std::vector<uint32_t> path;
    const auto close_to = [&](size_t depth) {
        for (; path.size() > depth; path.pop_back()) nodes[path.back()].end = static_cast<uint32_t>(nodes.size());
    };
    std::string_view previous;
    for (const auto& [bytes, token] : sorted) {
        const auto common = static_cast<size_t>(std::ranges::mismatch(previous, bytes).in1 - previous.begin());
        close_to(common);
        for (size_t i = common; i < bytes.size(); ++i) {
            path.push_back(static_cast<uint32_t>(nodes.size()));
            nodes.push_back({0, -1, static_cast<uint16_t>(i + 1), static_cast<uint8_t>(bytes[i]), 0});
        }
        nodes.back().token = token;
        for (const uint32_t node : path) nodes[node].plain = std::max(nodes[node].plain, plain[token]);
        previous = bytes;
    }
    close_to(0);
    return nodes;
}

}  // namespace

Result<TokenIndex> TokenIndex::create(std::span<const TokenEntry> tokens, std::span<const int32_t> ends) {
    TokenIndex index;
    if (tokens.empty()) return fail(ErrorCode::invalid_argument, "the vocabulary has no tokens");
    SortedTokens sorted;
    std::vector<uint8_t> plain(tokens.size(), kNotPlain);
    index.kinds_.assign(tokens.size(), Kind::text);
    for (const int32_t end : ends) {
        if (end < 0 || static_cast<size_t>(end) >= tokens.size())
            return fail(ErrorCode::invalid_argument, "the end token {} is out of range: the vocabulary has {}", end,
                        tokens.size());
        index.kinds_[end] = Kind::end;
        index.ends_.push_back(end);
    }
    for (size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i].bytes.size() > UINT16_MAX)
            return fail(ErrorCode::invalid_argument, "token {} has {} bytes: at most {} are possible", i,
                        tokens[i].bytes.size(), UINT16_MAX);
        index.texts_.emplace_back(tokens[i].bytes);
        if (index.kinds_[i] != Kind::text) continue;
        if (tokens[i].is_special || tokens[i].bytes.empty()) {
            index.kinds_[i] = Kind::special;
            index.specials_.push_back(static_cast<int32_t>(i));
            continue;
        }
        sorted.emplace_back(tokens[i].bytes, static_cast<int32_t>(i));
        plain[i] = plain_count(tokens[i].bytes);
        index.max_bytes_ = std::max(index.max_bytes_, static_cast<uint32_t>(tokens[i].bytes.size()));
    }
    std::ranges::sort(sorted);
    index.plain_.assign(kMaxPlain, TokenMask(index.n_word()));
    SortedTokens different, rest;
    for (const auto& [bytes, token] : sorted) {
        for (size_t count = plain[token]; count <= kMaxPlain; ++count)  // none for kNotPlain
            index.plain_[count - 1][token / 64] |= uint64_t{1} << (token % 64);
        if (!different.empty() && different.back().first == bytes) {
            if (index.same_.empty()) index.same_.assign(tokens.size(), -1);
            const int32_t first = different.back().second;
            index.same_[token] = index.same_[first];
            index.same_[first] = token;
            continue;
        }
        different.emplace_back(bytes, token);
        if (plain[token] == kNotPlain) rest.emplace_back(bytes, token);
    }
    index.all_ = trie_of(different, plain);
    index.not_plain_ = trie_of(rest, plain);
    return index;
}

std::optional<int32_t> TokenIndex::find(std::string_view text) const {
    const auto found = std::ranges::find(texts_, text);
    if (found == texts_.end()) return {};
    return static_cast<int32_t>(found - texts_.begin());
}

}  // namespace krait::grammar
