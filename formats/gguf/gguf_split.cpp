// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_split.hpp"

#include "formats/gguf/gguf_writer.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

bool is_split_key(const GgufMetadata& entry) { return entry.key.starts_with(kGgufSplitPrefix); }

uint64_t aligned(uint64_t bytes, uint64_t alignment) { return (bytes + alignment - 1) / alignment * alignment; }

// Tensors of one shard, and the size of its file.
struct ShardPlan {
    size_t first = 0, count = 0;
    uint64_t bytes = 0;
};

std::vector<GgufMetadata> metadata_of_shard(const ModelSource& in, size_t number, size_t count) {
    std::vector<GgufMetadata> entries;
    for (const GgufMetadata& entry : in.metadata())
        if (!is_split_key(entry) && (number == 0 || entry.key == kGgufAlignmentKey)) entries.push_back(entry);
    entries.push_back({std::string(kGgufSplitNumberKey), static_cast<uint16_t>(number)});
    entries.push_back({std::string(kGgufSplitCountKey), static_cast<uint16_t>(count)});
    entries.push_back({std::string(kGgufSplitTensorsKey), static_cast<int32_t>(in.tensors().size())});
    return entries;
}

// As GgufWriter takes it; a source that is no file has none.
uint64_t alignment_of(const ModelSource& in) {
    return in.get_u64(kGgufAlignmentKey, kGgufDefaultAlignment).value_or(kGgufDefaultAlignment);
}

uint64_t bytes_of(const std::vector<GgufMetadata>& entries) {
    uint64_t bytes = kGgufHeaderBytes;
    for (const GgufMetadata& entry : entries) bytes += gguf_metadata_bytes(entry);
    return bytes;
}

std::vector<ShardPlan> plan_shards(const ModelSource& in, const GgufShardLimits& limits) {
    const uint64_t alignment = alignment_of(in);
    const uint64_t first_header = bytes_of(metadata_of_shard(in, 0, 0)), header = bytes_of(metadata_of_shard(in, 1, 0));
    std::vector<ShardPlan> shards{{.bytes = aligned(first_header, alignment)}};
    uint64_t records = first_header, data = 0;  // of the last shard
    for (size_t i = 0; i < in.tensors().size(); ++i) {
        const GgufTensor& tensor = in.tensors()[i];
        const uint64_t record = gguf_record_bytes(tensor.name, tensor.desc.rank), size = aligned(tensor.size, alignment);
        const bool is_full =
            shards.back().count == limits.max_tensors || aligned(records + record, alignment) + data + size > limits.max_bytes;
        if (is_full && shards.back().count > 0) {
            shards.push_back({.first = i});
            records = header, data = 0;
        }
        records += record, data += size;
        shards.back().bytes = aligned(records, alignment) + data;
        ++shards.back().count;
    }
    return shards;
}

class Copier {
  public:
    Copier(const ModelSource& in, const GgufCopyOptions& options) : in_(in), options_(options) {
        for (const GgufTensor& tensor : in.tensors()) total_ += tensor.size;
    }

    Result<void> copy(GgufWriter& writer, const GgufTensor& tensor) {
        in_.will_read(tensor);
        for (uint64_t at = 0; at < tensor.size;) {
            if (options_.cancel && *options_.cancel) return fail(ErrorCode::cancelled, "interrupted");
            const std::span<std::byte> part = std::span(buffer_).first(std::min<uint64_t>(buffer_.size(), tensor.size - at));
            KRAIT_CHECK(in_.read_part(tensor, at, part));
            KRAIT_CHECK(writer.write_part(tensor.name, part));
            at += part.size(), done_ += part.size();
            if (options_.progress) options_.progress(done_, total_);
        }
        in_.will_not_read(tensor);
        return {};
    }

  private:
    const ModelSource& in_;
    const GgufCopyOptions& options_;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(size_t{4} << 20);
    uint64_t done_ = 0, total_ = 0;
};

Result<GgufWriter> begin_shard(const ModelSource& in, const fs::path& path, const std::vector<GgufMetadata>& metadata,
                               const ShardPlan& shard) {
    for (size_t i = 0; i < in.file_count(); ++i) KRAIT_CHECK(refuse_overwrite(path, {in.file_name(i)}));
    KRAIT_TRY(GgufWriter writer, GgufWriter::create(path));
    for (const GgufMetadata& entry : metadata) KRAIT_CHECK(writer.add(entry.key, entry.value));
    for (const GgufTensor& tensor : in.tensors().subspan(shard.first, shard.count))
        KRAIT_CHECK(writer.declare(tensor.name, tensor.dtype(), tensor.extents()));
    return writer;
}

// Puts all into their places. A model of which some shards are missing is of no use: those that did get there go again.
Result<void> finish_all(std::span<GgufWriter> writers, std::span<const WrittenShard> shards) {
    std::vector<fs::path> placed;
    std::error_code ignored;
    for (size_t i = 0; i < writers.size(); ++i) {
        const bool is_new = !fs::exists(shards[i].path, ignored);
        Result<void> done = writers[i].finish();
        if (!done) {
            for (const fs::path& path : placed) fs::remove(path, ignored);
            return done;
        }
        if (is_new) placed.push_back(shards[i].path);
    }
    return {};
}

}  // namespace

Result<std::vector<WrittenShard>> split_gguf(const ModelSource& in, const std::string& prefix, const GgufShardLimits& limits,
                                             const GgufCopyOptions& options) {
    if (fs::path(prefix).filename().empty())
        return fail(ErrorCode::invalid_argument,
                    "'{}' is no prefix of names: shards of 'folder/model' are called 'folder/model{}'", prefix,
                    gguf_shard_suffix(0, 4));
    const std::vector<ShardPlan> plan = plan_shards(in, limits);
    if (plan.size() > kMaxWrittenShards)
        return fail(ErrorCode::invalid_argument, "{} would become {} shards; at most {} are written. Let them be larger",
                    in.name(), plan.size(), kMaxWrittenShards);
    std::vector<GgufWriter> writers;
    std::vector<WrittenShard> shards;
    uint64_t total = 0;
    for (size_t i = 0; i < plan.size(); ++i) {
        shards.push_back({prefix + gguf_shard_suffix(i, plan.size()), plan[i].bytes, plan[i].count});
        KRAIT_TRY(GgufWriter writer, begin_shard(in, shards[i].path, metadata_of_shard(in, i, plan.size()), plan[i]));
        writers.push_back(std::move(writer));
        total += plan[i].bytes;
    }
    KRAIT_CHECK(writers[0].check_room(total));
    Copier copier(in, options);
    for (size_t i = 0; i < plan.size(); ++i)
        for (const GgufTensor& tensor : in.tensors().subspan(plan[i].first, plan[i].count))
            KRAIT_CHECK(copier.copy(writers[i], tensor));
    KRAIT_CHECK(finish_all(writers, shards));
    return shards;
}

Result<uint64_t> merge_gguf(const ModelSource& in, const fs::path& target, const GgufCopyOptions& options) {
    KRAIT_TRY(const uint64_t count, in.get_u64(kGgufSplitCountKey, 0));
    if (count == 0)
        return fail(ErrorCode::invalid_argument, "{} is whole: it has no '{}' that says it is a shard of a model", in.name(),
                    kGgufSplitCountKey);
    return write_gguf(in, target, options);
}

Result<uint64_t> write_gguf(const ModelSource& in, const fs::path& target, const GgufCopyOptions& options) {
    std::vector<GgufMetadata> kept;
    for (const GgufMetadata& entry : in.metadata())
        if (!is_split_key(entry)) kept.push_back(entry);
    KRAIT_TRY(GgufWriter writer, begin_shard(in, target, kept, {.count = in.tensors().size()}));
    Copier copier(in, options);
    for (const GgufTensor& tensor : in.tensors()) KRAIT_CHECK(copier.copy(writer, tensor));
    KRAIT_CHECK(writer.finish());
    return writer.bytes_written();
}

}  // namespace krait
