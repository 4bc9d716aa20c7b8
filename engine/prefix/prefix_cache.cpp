// SPDX-License-Identifier: Apache-2.0
#include "engine/prefix/prefix_cache.hpp"

#include <algorithm>

#include "core/base/scope_exit.hpp"

namespace krait::engine {

PrefixCache::PrefixCache(Session& session, int32_t scratch, const PrefixOptions& options)
    : session_(session), scratch_(scratch), options_(options) {
    state_bytes_ = static_cast<double>(session.model().architecture().state_bytes());
    token_bytes_ = static_cast<double>(session.model().architecture().token_bytes());
}

Result<std::unique_ptr<PrefixCache>> PrefixCache::create(Session& session, int32_t scratch, const PrefixOptions& options) {
    std::unique_ptr<PrefixCache> cache(new PrefixCache(session, scratch, options));
    if (!options.folder.empty()) {
        if (!cache->is_on())
            return fail(ErrorCode::invalid_argument, "a folder for prefixes, and max_snapshots is 0: nothing would be kept");
        KRAIT_TRY(cache->folder_, PrefixFolder::open(options.folder, session.model().hash()));
        cache->list_folder();
    }
    return cache;
}

void PrefixCache::list_folder() {
    for (PrefixFile& file : folder_->list()) {
        const int32_t n_vocab = static_cast<int32_t>(session_.model().shape().n_vocab);
        if (std::any_of(file.tokens.begin(), file.tokens.end(), [&](int32_t t) { return t < 0 || t >= n_vocab; })) continue;
        PrefixNode& node = tree_.insert(file.tokens);
        if (!node.entry->file.empty()) continue;
        node.entry->file = file.path;
        node.entry->file_bytes = file.n_byte;
        node.entry->outputs = file.outputs;
        node.entry->last_use = ++n_touch_;
        folder_bytes_ += file.n_byte;
    }
}

double PrefixCache::value(const PrefixNode& node) const {
    const auto saved = static_cast<double>(PrefixTree::tokens_saved(node));
    const double bytes = state_bytes_ + token_bytes_ * saved;
    return node.entry->clock + static_cast<double>(1 + node.entry->n_use) * saved / std::max(bytes, 1.0);
}

void PrefixCache::touch(PrefixEntry& entry) {
    ++entry.n_use;
    entry.clock = clock_;
    entry.last_use = ++n_touch_;
    if (!entry.file.empty()) PrefixFolder::touch(entry.file);
}

template <class IsIn>
PrefixNode* PrefixCache::least(IsIn&& is_in) const {
    PrefixNode* found = nullptr;
    double lowest = 0;
    for (PrefixNode* node : tree_.entries()) {
        if (node == pinned_ || !is_in(*node->entry)) continue;
        const double its = value(*node);
        if (!found || its < lowest) found = node, lowest = its;
    }
    return found;
}

PrefixCache::Hit PrefixCache::resume(int32_t sequence, std::span<const int32_t> prompt, int32_t n_needed) {
    Hit hit;
    if (!is_on()) return hit;
    const PrefixTree::Match match = tree_.match(prompt);
    hit.reuse.common_tokens = match.n_common;
    const auto n_token = static_cast<size_t>(session_.model().n_token());
    bool was_evicted = false;
    for (size_t i = match.path.size(); i > 0; --i) {
        PrefixNode& node = *match.path[i - 1];
        was_evicted = was_evicted || node.evicted;
        if (!node.entry) continue;
        const bool is_whole = node.n_tok == prompt.size();
        const auto& outputs = node.entry->outputs;
        if (is_whole && !(outputs && outputs->view().suffice(n_needed, n_token))) continue;
        if (!restore(sequence, node)) return resume(sequence, prompt, n_needed);  // the tree is another one now
        touch(*node.entry);
        hit.reuse.cached_tokens = node.n_tok;
        if (is_whole) hit.outputs = outputs;
        break;
    }
    const size_t n_cached = hit.reuse.cached_tokens;
    hit.reuse.reason = n_cached == prompt.size()    ? Reuse::Reason::whole_prompt
                       : match.n_common == 0        ? Reuse::Reason::no_common_prefix
                       : was_evicted                ? Reuse::Reason::evicted
                       : n_cached == match.n_common ? Reuse::Reason::end_of_common
                                                    : Reuse::Reason::nearest_snapshot;
    return hit;
}

// The sequence becomes the entry's state; else the entry is gone.
bool PrefixCache::restore(int32_t sequence, PrefixNode& node) {
    PrefixEntry& entry = *node.entry;
    const std::vector<int32_t> tokens = PrefixTree::tokens_of(node);
    if (entry.snapshot && session_.resume(sequence, *entry.snapshot, tokens)) return true;
    pinned_ = &node;
    const ScopeExit not_pinned([&] { pinned_ = nullptr; });
    std::vector<std::byte> read;
    if (entry.saved.empty() && !entry.file.empty())
        if (auto state =
                PrefixFolder::read_state({.path = entry.file, .n_byte = entry.file_bytes, .tokens = {}, .outputs = {}}))
            read = std::move(*state);
    const std::vector<std::byte>& saved = entry.saved.empty() ? read : entry.saved;
    if (token_bytes_ > 0) make_pages(pages_of_rows(static_cast<int64_t>(tokens.size())));
    if (!saved.empty() && session_.restore(sequence, saved)) {
        const auto restored = session_.tokens(sequence);
        if (restored && std::ranges::equal(*restored, tokens)) {
            // It is likely to be used again.
            if (!entry.snapshot && make_room(1) == 1)
                if (auto snapshot = session_.capture(sequence)) {
                    entry.snapshot = std::move(*snapshot);
                    ++n_snapshot_;
                }
            return true;
        }
    }
    (void)session_.reset(sequence);
    if (entry.snapshot) --n_snapshot_;
    host_bytes_ -= entry.saved.size();
    drop_file(node);
    tree_.remove(node);
    return false;
}

void PrefixCache::publish(std::span<const int32_t> tokens, Snapshot snapshot, const Outputs& outputs) {
    if (!is_on()) return;
    PrefixEntry& entry = *tree_.insert(tokens).entry;
    if (entry.is_nowhere()) entry.clock = clock_;
    entry.last_use = ++n_touch_;
    if (!entry.snapshot) {
        entry.snapshot = std::move(snapshot);
        ++n_snapshot_;
    }
    keep_outputs(entry, outputs);
}

void PrefixCache::keep_outputs(PrefixEntry& entry, const Outputs& outputs) {
    if (outputs.candidates.empty() && outputs.logits.empty()) return;
    const bool is_more = !entry.outputs || entry.outputs->view().candidates.size() < outputs.candidates.size() ||
                         entry.outputs->view().logits.size() < outputs.logits.size();
    if (is_more) entry.outputs = std::make_shared<const KeptOutputs>(outputs);
}

PrefixNode* PrefixCache::node_with_snapshot(std::span<const int32_t> tokens) {
    const PrefixTree::Match match = tree_.match(tokens);
    if (match.path.empty() || match.path.back()->n_tok < tokens.size()) return nullptr;
    PrefixNode* node = match.path.back();
    return node->entry && node->entry->snapshot ? node : nullptr;
}

void PrefixCache::publish(int32_t sequence, const Outputs& outputs) {
    if (!is_on()) return;
    const auto tokens = session_.tokens(sequence);
    if (!tokens || tokens->empty()) return;
    if (PrefixNode* node = node_with_snapshot(*tokens)) return keep_outputs(*node->entry, outputs);
    if (make_room(1) == 0) return;
    if (auto snapshot = session_.capture(sequence)) publish(*tokens, std::move(*snapshot), outputs);
}

size_t PrefixCache::make_room(size_t n) {
    n = std::min(n, static_cast<size_t>(options_.max_snapshots));
    for (;;) {
        const auto n_free = static_cast<size_t>(std::max<int64_t>(options_.max_snapshots - n_snapshot_, 0));
        if (n <= n_free) return n;
        PrefixNode* node = least([](const PrefixEntry& entry) { return entry.snapshot.has_value(); });
        if (!node) return n_free;
        evict_snapshot(*node);
    }
}

void PrefixCache::make_pages(int64_t n_page) {
    if (token_bytes_ <= 0) return;
    while (session_.n_free_pages() < n_page) {
        PrefixNode* node = least([](const PrefixEntry& entry) { return entry.snapshot.has_value(); });
        if (!node) return;
        evict_snapshot(*node);
    }
}

Result<std::vector<std::byte>> PrefixCache::save(const PrefixNode& node) {
    KRAIT_CHECK(session_.resume(scratch_, *node.entry->snapshot, PrefixTree::tokens_of(node)));
    auto saved = session_.save(scratch_);
    KRAIT_CHECK(session_.reset(scratch_));
    return saved;
}

void PrefixCache::evict_snapshot(PrefixNode& node) {
    clock_ = std::max(clock_, value(node));
    PrefixEntry& entry = *node.entry;
    if (is_lower_tier_on() && entry.saved.empty() && entry.file.empty())
        if (auto saved = save(node))
            if (!keep_saved(node, *saved)) write_file(node, *saved);
    node.entry->snapshot.reset();
    --n_snapshot_;
    drop_if_nowhere(node);
}

bool PrefixCache::keep_saved(PrefixNode& node, std::vector<std::byte>& saved) {
    if (saved.size() > options_.max_host_bytes) return false;
    while (host_bytes_ + saved.size() > options_.max_host_bytes) {
        PrefixNode* other = least([](const PrefixEntry& entry) { return !entry.saved.empty(); });
        if (!other) return false;
        evict_saved(*other);
    }
    host_bytes_ += saved.size();
    node.entry->saved = std::move(saved);
    return true;
}

void PrefixCache::evict_saved(PrefixNode& node) {
    PrefixEntry& entry = *node.entry;
    if (folder_ && entry.file.empty()) write_file(node, entry.saved);
    host_bytes_ -= entry.saved.size();
    entry.saved = {};
    drop_if_nowhere(node);
}

bool PrefixCache::write_file(PrefixNode& node, std::span<const std::byte> saved) {
    if (!folder_ || (options_.max_folder_bytes > 0 && saved.size() > options_.max_folder_bytes)) return false;
    const Outputs outputs = node.entry->outputs ? node.entry->outputs->view() : Outputs{};
    const auto file = folder_->write(PrefixTree::tokens_of(node), outputs, saved);
    if (!file) return false;
    node.entry->file = file->path;
    node.entry->file_bytes = file->n_byte;
    folder_bytes_ += file->n_byte;
    while (options_.max_folder_bytes > 0 && folder_bytes_ > options_.max_folder_bytes) {
        PrefixNode* oldest = nullptr;
        for (PrefixNode* other : tree_.entries())
            if (!other->entry->file.empty() && other != &node && other != pinned_ &&
                (!oldest || other->entry->last_use < oldest->entry->last_use))
                oldest = other;
        if (!oldest) break;
        drop_file(*oldest);
        drop_if_nowhere(*oldest);
    }
    return true;
}

void PrefixCache::drop_file(PrefixNode& node) {
    PrefixEntry& entry = *node.entry;
    if (entry.file.empty()) return;
    PrefixFolder::remove(entry.file);
    folder_bytes_ -= entry.file_bytes;
    entry.file.clear();
    entry.file_bytes = 0;
}

void PrefixCache::drop_if_nowhere(PrefixNode& node) {
    if (!node.entry->is_nowhere()) return;
    ++n_eviction_;
    tree_.evict(node);
}

void PrefixCache::flush() {
    if (!folder_) return;
    // The best last: where the folder is too small, the others go.
    std::vector<PrefixNode*> nodes(tree_.entries().begin(), tree_.entries().end());
    std::erase_if(nodes, [](const PrefixNode* node) { return !node->entry->file.empty(); });
    std::sort(nodes.begin(), nodes.end(), [&](const PrefixNode* a, const PrefixNode* b) { return value(*a) < value(*b); });
    for (PrefixNode* node : nodes) {
        node->entry->last_use = ++n_touch_;
        if (!node->entry->saved.empty()) {
            write_file(*node, node->entry->saved);
        } else if (auto saved = save(*node)) {
            write_file(*node, *saved);
        }
    }
}

}  // namespace krait::engine
