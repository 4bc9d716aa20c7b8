// SPDX-License-Identifier: Apache-2.0
//
// One GGUF file made into shards, and shards into one file: the same tensors, bit by bit and in their order, and the same
// metadata, but for the keys that say that a file is a shard (kGgufSplitPrefix). The first shard has all metadata; the others
// have those keys, and general.alignment where the model has it. Bytes are copied in parts, so memory stays near 4 MiB.
#pragma once

#include <atomic>
#include <functional>

#include "formats/model_source.hpp"

namespace krait {

// Both hold for the files that are written, and no tensor is cut: one that is larger has a shard of its own. The first shard
// has the metadata and at least one tensor.
struct GgufShardLimits {
    uint64_t max_bytes = UINT64_MAX;  // of a file
    uint64_t max_tensors = UINT64_MAX;
};

struct GgufCopyOptions {
    const std::atomic<bool>* cancel = nullptr;                    // the result is then `cancelled`
    std::function<void(uint64_t done, uint64_t total)> progress;  // bytes of tensors
};

struct WrittenShard {
    std::filesystem::path path;
    uint64_t bytes = 0, n_tensor = 0;
};

// Shards are written side by side before any of them is put into its place, so there are at most this many.
inline constexpr uint64_t kMaxWrittenShards = 512;

// Writes "PREFIX-00001-of-00004.gguf" and so on; `in` may be in shards itself. Fails where a shard would replace a file that is
// read, where the disk has no room for all of them (before the first byte), and for whatever the disk says later; none of them
// is there then.
Result<std::vector<WrittenShard>> split_gguf(const ModelSource& in, const std::string& prefix, const GgufShardLimits& limits,
                                             const GgufCopyOptions& options = {});

// The other way; gives the size of the new file. Fails for a file that is no shard.
Result<uint64_t> merge_gguf(const ModelSource& in, const std::filesystem::path& target, const GgufCopyOptions& options = {});

// Any model as one file; gives its size. A disk without room for it is an error before the first byte of data.
Result<uint64_t> write_gguf(const ModelSource& in, const std::filesystem::path& target, const GgufCopyOptions& options = {});

}  // namespace krait
