// SPDX-License-Identifier: Apache-2.0
//
// States after prefixes that have been read, from which later requests go on. They lie in a tree over tokens, and each in one
// or several tiers: as a snapshot of the session, in host memory, in a file. A tier that has no room gives what it evicts to
// the tier below. Evicted first is the entry with the least
//   clock + (1 + n_use) tokens_saved / bytes
// where tokens_saved is what a request would have to read without it, and clock rises to the value of whatever is evicted, so
// that what was useful long ago goes too. (Greedy-Dual-Size-Frequency: L. Cherkasova, "Improving WWW Proxies Performance with
// Greedy-Dual-Size-Frequency Caching Policy", HP Labs HPL-98-69R1, 1998.) In the folder the least recently used goes first.
//
// On the engine's thread. Nothing here fails a request: a state that cannot be kept or brought back is a prefix less.
#pragma once

#include "engine/engine_options.hpp"
#include "engine/prefix/prefix_folder.hpp"
#include "engine/prefix/prefix_tree.hpp"
#include "engine/reuse.hpp"

namespace krait::engine {

class PrefixCache {
  public:
    // scratch: a sequence of the session that nobody else uses, by which states are saved. The session outlives the cache, and
    // has options.max_snapshots.
    static Result<std::unique_ptr<PrefixCache>> create(Session& session, int32_t scratch, const PrefixOptions& options);

    struct Hit {
        Reuse reuse;
        std::shared_ptr<const KeptOutputs> outputs;  // where the whole prompt is there
    };
    // Makes an empty sequence one that has read as much of the prompt as is kept. All of it only where the outputs after it are
    // enough for a sampler that needs n_needed candidates (0: all logits), else the last token at least is left.
    Hit resume(int32_t sequence, std::span<const int32_t> prompt, int32_t n_needed);

    // Keeps a state, after the run that computed it.
    void publish(std::span<const int32_t> tokens, Snapshot snapshot, const Outputs& outputs = {});
    // Keeps the state of a sequence as it is now, where nothing is kept for its tokens yet.
    void publish(int32_t sequence, const Outputs& outputs = {});

    // Snapshots that a run may take: room for as many as there can be, at most n.
    size_t make_room(size_t n);
    // Evicts snapshots until the session has so many free pages, or none are left.
    void make_pages(int64_t n_page);
    // Writes to the folder, where there is one, what is not there yet.
    void flush();

    bool is_on() const { return options_.max_snapshots > 0; }
    int64_t n_snapshot() const { return n_snapshot_; }
    int64_t n_eviction() const { return n_eviction_; }
    uint64_t host_bytes() const { return host_bytes_; }
    uint64_t folder_bytes() const { return folder_bytes_; }

  private:
    PrefixCache(Session& session, int32_t scratch, const PrefixOptions& options);
    void list_folder();
    bool restore(int32_t sequence, PrefixNode& node);
    void touch(PrefixEntry& entry);
    double value(const PrefixNode& node) const;
    PrefixNode* node_with_snapshot(std::span<const int32_t> tokens);
    static void keep_outputs(PrefixEntry& entry, const Outputs& outputs);
    // The entry that `is_in` of the least value; null where there is none.
    template <class IsIn>
    PrefixNode* least(IsIn&& is_in) const;
    bool is_lower_tier_on() const { return options_.max_host_bytes > 0 || folder_; }

    void evict_snapshot(PrefixNode& node);  // to host memory or the folder
    void evict_saved(PrefixNode& node);     // to the folder
    void drop_file(PrefixNode& node);
    void drop_if_nowhere(PrefixNode& node);
    Result<std::vector<std::byte>> save(const PrefixNode& node);
    // false, and `saved` stays: no room.
    bool keep_saved(PrefixNode& node, std::vector<std::byte>& saved);
    bool write_file(PrefixNode& node, std::span<const std::byte> saved);

    Session& session_;
    int32_t scratch_;
    PrefixOptions options_;
    double state_bytes_ = 0, token_bytes_ = 0;
    std::optional<PrefixFolder> folder_;
    PrefixTree tree_;
    const PrefixNode* pinned_ = nullptr;  // it is read from, and stays
    double clock_ = 0;
    uint64_t n_touch_ = 0;
    int64_t n_snapshot_ = 0, n_eviction_ = 0;
    uint64_t host_bytes_ = 0, folder_bytes_ = 0;
};

}  // namespace krait::engine
