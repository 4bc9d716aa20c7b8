// SPDX-License-Identifier: Apache-2.0
//
// GgufFile::open: a model that is split into several files, from any of them. The keys split.no and split.count say which file
// of how many this is, and its name says it again (model-00002-of-00004.gguf), so that the others are found beside it.
#include <filesystem>
#include <system_error>

#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_value.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

struct ShardPlace {
    uint64_t number = 0, count = 0;       // count 0: not split
    std::optional<uint64_t> all_tensors;  // of all shards together
};

uint64_t byte_of(const GgufFile& file, std::string_view key) {
    const GgufMetadata* entry = file.find(key);
    return entry ? entry->offset : 0;
}

Result<ShardPlace> place_of(const GgufFile& file) {
    ShardPlace place;
    KRAIT_TRY(place.count, file.get_u64(kGgufSplitCountKey, 0));
    if (place.count <= 1) return ShardPlace{};  // 0 is what llama.cpp writes into a file that it has merged
    KRAIT_TRY(place.number, file.get_u64(kGgufSplitNumberKey));
    KRAIT_TRY(place.all_tensors, file.get_optional<uint64_t>(kGgufSplitTensorsKey));
    if (place.count > kGgufMaxShards)
        return fail(ErrorCode::corrupt_file, "{}: metadata '{}' at byte {} is {}; a model has at most {} shards", file.name(),
                    kGgufSplitCountKey, byte_of(file, kGgufSplitCountKey), place.count, kGgufMaxShards);
    if (place.number >= place.count)
        return fail(ErrorCode::corrupt_file, "{}: metadata '{}' at byte {} is {}; the {} shards are 0 to {}", file.name(),
                    kGgufSplitNumberKey, byte_of(file, kGgufSplitNumberKey), place.number, place.count, place.count - 1);
    return place;
}

// "folder/model" of "folder/model-00002-of-00004.gguf".
Result<std::string> prefix_of(const GgufFile& file, const ShardPlace& place) {
    const std::string suffix = gguf_shard_suffix(place.number, place.count);
    if (file.name().ends_with(suffix)) return file.name().substr(0, file.name().size() - suffix.size());
    return fail(ErrorCode::invalid_argument,
                "{}: this is shard {} of {} of a model ('{}' at byte {} is {}), so its name has to end with '{}': the others "
                "are found by it. Give all shards their names back",
                file.name(), place.number + 1, place.count, kGgufSplitNumberKey, byte_of(file, kGgufSplitNumberKey),
                place.number, suffix);
}

Result<void> check_all_there(const GgufFile& file, const ShardPlace& place, const std::string& prefix) {
    constexpr uint64_t kMaxNamed = 8;
    uint64_t n_missing = 0;
    std::string names;
    for (uint64_t i = 0; i < place.count; ++i) {
        const fs::path path = prefix + gguf_shard_suffix(i, place.count);
        std::error_code ignored;
        if (i == place.number || fs::exists(path, ignored)) continue;
        if (n_missing++ < kMaxNamed) names += (names.empty() ? "" : ", ") + quote_name(path.filename().string(), 255);
    }
    if (n_missing == 0) return {};
    if (n_missing > kMaxNamed) names += fmt::format(" and {} more", n_missing - kMaxNamed);
    return fail(ErrorCode::not_found, "{}: this is shard {} of {} of a model, and its folder lacks {} of the others: {}",
                file.name(), place.number + 1, place.count, n_missing, names);
}

// Whether a shard is the one that its name says.
Result<void> check_place(const GgufFile& file, uint64_t number, const ShardPlace& wanted) {
    KRAIT_TRY(const ShardPlace place, place_of(file));
    if (place.number == number && place.count == wanted.count) {
        if (!place.all_tensors || !wanted.all_tensors || *place.all_tensors == *wanted.all_tensors) return {};
        return fail(ErrorCode::corrupt_file,
                    "{}: metadata '{}' at byte {} is {}, and another shard says {}: these shards are not of one model",
                    file.name(), kGgufSplitTensorsKey, byte_of(file, kGgufSplitTensorsKey), *place.all_tensors,
                    *wanted.all_tensors);
    }
    if (place.count == 0)
        return fail(ErrorCode::corrupt_file, "{}: shard {} of {} by its name, but it has no '{}' that says so", file.name(),
                    number + 1, wanted.count, kGgufSplitCountKey);
    return fail(ErrorCode::corrupt_file, "{}: shard {} of {} by its name, but {} of {} by its metadata ('{}' at byte {} is {})",
                file.name(), number + 1, wanted.count, place.number + 1, place.count, kGgufSplitNumberKey,
                byte_of(file, kGgufSplitNumberKey), place.number);
}

}  // namespace

void GgufFile::append_shard(GgufFile shard) {
    const auto number = static_cast<uint32_t>(shards_.size());
    shards_.push_back(std::move(shard.shards_[0]));
    for (GgufTensor& tensor : shard.tensors_) {
        tensor.shard = number;
        tensors_.push_back(std::move(tensor));
    }
}

Result<void> GgufFile::index_tensors() {
    tensor_index_.clear();
    tensor_index_.reserve(tensors_.size());
    for (size_t i = 0; i < tensors_.size(); ++i) {
        const auto [first, added] = tensor_index_.emplace(tensors_[i].name, i);
        if (added) continue;
        const GgufTensor &tensor = tensors_[i], &other = tensors_[first->second];
        return fail(ErrorCode::corrupt_file, "{}: tensor {} (record at byte {}) is in {} too (record at byte {})",
                    name_of(tensor), quote_name(tensor.name), tensor.record_offset, name_of(other), other.record_offset);
    }
    return {};
}

Result<GgufFile> GgufFile::open(const fs::path& path, FileAccess access) {
    KRAIT_TRY(GgufFile named, open_one(path, access));
    KRAIT_TRY(const ShardPlace place, place_of(named));
    if (place.count == 0) return named;
    KRAIT_TRY(const std::string prefix, prefix_of(named, place));
    KRAIT_CHECK(check_all_there(named, place, prefix));

    std::optional<GgufFile> all;
    for (uint64_t i = 0; i < place.count; ++i) {
        const bool is_named = i == place.number;
        Result<GgufFile> shard =
            is_named ? Result<GgufFile>(std::move(named)) : open_one(prefix + gguf_shard_suffix(i, place.count), access);
        if (!shard) return shard;
        if (!is_named) KRAIT_CHECK(check_place(*shard, i, place));
        if (!all) all.emplace(std::move(*shard));
        else all->append_shard(std::move(*shard));
    }
    KRAIT_CHECK(all->index_tensors());
    if (place.all_tensors && *place.all_tensors != all->tensors_.size())
        return fail(ErrorCode::corrupt_file, "{}: metadata '{}' is {}, but the {} shards have {} tensors", all->name(),
                    kGgufSplitTensorsKey, *place.all_tensors, place.count, all->tensors_.size());
    return std::move(*all);
}

}  // namespace krait
