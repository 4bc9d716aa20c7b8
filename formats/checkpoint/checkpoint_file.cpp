// SPDX-License-Identifier: Apache-2.0
#include "formats/checkpoint/checkpoint_file.hpp"

#include <algorithm>
#include <iterator>
#include <new>

#include "core/base/printable.hpp"
#include "formats/checkpoint/weight_index.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

// Where an element lies, counted in elements, and how many lie one behind the other from it on: to the end of the last extent,
// or just this one.
struct Run {
    uint64_t place = 0;
    uint64_t n_element = 1;
};

Run run_at(const CheckpointTensor& tensor, uint64_t element) {
    Run run;
    for (size_t i = tensor.extents.size(); i-- > 0;) {
        const auto extent = static_cast<uint64_t>(tensor.extents[i]);
        const uint64_t index = element % extent;
        element /= extent;
        run.place += index * static_cast<uint64_t>(tensor.strides[i]);
        if (i + 1 == tensor.extents.size() && tensor.strides[i] == 1) run.n_element = extent - index;
    }
    return run;
}

// Parts of elements at both ends are possible.
Result<void> gather(const DataFile& file, const CheckpointTensor& tensor, uint64_t offset, std::span<std::byte> out) {
    const uint64_t element_bytes = checkpoint_type_bits(tensor.type) / 8;
    while (!out.empty()) {
        const uint64_t skipped = offset % element_bytes;
        const Run run = run_at(tensor, offset / element_bytes);
        const auto size = static_cast<size_t>(std::min<uint64_t>(out.size(), run.n_element * element_bytes - skipped));
        KRAIT_CHECK(file.read(tensor.file_offset + run.place * element_bytes + skipped, out.first(size)));
        out = out.subspan(size);
        offset += size;
    }
    return {};
}

}  // namespace

Result<void> CheckpointFile::append(ReadShard read, DataFile file) {
    KRAIT_TRY(CheckpointShard shard, read(file));
    for (CheckpointTensor& tensor : shard.tensors) tensor.shard = static_cast<uint32_t>(shards_.size());
    shards_.push_back(std::move(file));
    std::move(shard.metadata.begin(), shard.metadata.end(), std::back_inserter(metadata_));
    std::move(shard.tensors.begin(), shard.tensors.end(), std::back_inserter(tensors_));
    return {};
}

Result<CheckpointFile> CheckpointFile::open_one(ReadShard read, DataFile file) {
    const uint64_t size = file.size();
    try {
        CheckpointFile opened;
        opened.name_ = file.name();
        KRAIT_CHECK(opened.append(read, std::move(file)));
        KRAIT_CHECK(opened.index_tensors());
        return opened;
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory, "not enough memory to describe the tensors of a file of {} bytes", size);
    }
}

Result<CheckpointFile> CheckpointFile::open_with(ReadShard read, const fs::path& path, FileAccess access) {
    if (path.extension() == ".json") return open_index(read, path, access);
    KRAIT_TRY(DataFile file, DataFile::open(path, access));
    return open_one(read, std::move(file));
}

Result<CheckpointFile> CheckpointFile::open_index(ReadShard read, const fs::path& path, FileAccess access) {
    KRAIT_TRY(const WeightIndex index, WeightIndex::open(path));
    KRAIT_CHECK(index.check_files());
    CheckpointFile all;
    all.name_ = path.string();
    try {
        for (const std::string& name : index.files()) {
            KRAIT_TRY(DataFile file, DataFile::open(index.path_of(name), access));
            KRAIT_CHECK(all.append(read, std::move(file)));
        }
        KRAIT_CHECK(all.index_tensors());
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory, "{}: not enough memory to describe the tensors of {} files", path.string(),
                    index.files().size());
    }
    for (const WeightIndex::Entry& entry : index.tensors()) {
        const CheckpointTensor* tensor = all.find_tensor(entry.tensor);
        if (!tensor || tensor->shard != entry.file)
            return fail(ErrorCode::corrupt_file, "{}: tensor {} at byte {} is said to be in {}, and is not there",
                        path.string(), quote(entry.tensor), entry.at, quote(index.files()[entry.file]));
    }
    return all;
}

Result<void> CheckpointFile::index_tensors() {
    tensor_index_.reserve(tensors_.size());
    for (size_t i = 0; i < tensors_.size(); ++i) {
        const auto [first, added] = tensor_index_.emplace(tensors_[i].name, i);
        if (added) continue;
        const CheckpointTensor &tensor = tensors_[i], &other = tensors_[first->second];
        return fail(ErrorCode::corrupt_file, "{}: tensor {} (described at byte {}) is in {} too (described at byte {})",
                    name_of(tensor), quote(tensor.name), tensor.record_offset, name_of(other), other.record_offset);
    }
    return {};
}

uint64_t CheckpointFile::file_size() const {
    uint64_t size = 0;
    for (const DataFile& shard : shards_) size += shard.size();
    return size;
}

const CheckpointTensor* CheckpointFile::find_tensor(std::string_view name) const {
    const auto found = tensor_index_.find(name);
    return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

Result<const CheckpointTensor*> CheckpointFile::tensor(std::string_view name) const {
    if (const CheckpointTensor* found = find_tensor(name)) return found;
    return fail(ErrorCode::corrupt_file, "{}: there is no tensor {} among its {}", name_, quote(name), tensors_.size());
}

Result<void> CheckpointFile::read_part(const CheckpointTensor& tensor, uint64_t offset, std::span<std::byte> out) const {
    if (offset > tensor.size || out.size() > tensor.size - offset)
        return fail(ErrorCode::internal, "tensor {}: bytes {} to {} of {} are asked for", quote(tensor.name), offset,
                    offset + out.size(), tensor.size);
    const DataFile& file = shards_[tensor.shard];
    Result<void> done =
        tensor.strides.empty() ? file.read(tensor.file_offset + offset, out) : gather(file, tensor, offset, out);
    if (!done) return tl::unexpected<Error>(std::move(done).error().within("tensor " + quote(tensor.name)));
    return {};
}

void CheckpointFile::will_read(const CheckpointTensor& tensor) const {
    shards_[tensor.shard].will_need(tensor.file_offset, tensor.size);
}

void CheckpointFile::will_not_read(const CheckpointTensor& tensor) const {
    const DataFile& file = shards_[tensor.shard];
    if (file.is_read()) return;
    // Strides can lead further; the pages there go with those of other tensors.
    file.advise(MappedFile::Advice::dont_need, file.bytes().subspan(tensor.file_offset, tensor.size));
}

void CheckpointFile::release_pages() const {
    for (const DataFile& shard : shards_) shard.release_pages();
}

}  // namespace krait
