// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_file.hpp"

#include <iterator>
#include <new>

#include "core/base/printable.hpp"
#include "formats/safetensors/safetensors_header.hpp"
#include "formats/safetensors/safetensors_index.hpp"

namespace krait {

namespace fs = std::filesystem;

Result<SafetensorsFile> SafetensorsFile::open_one(DataFile file) {
    try {
        KRAIT_TRY(SafetensorsHeader header, read_safetensors_header(file));
        SafetensorsFile opened;
        opened.name_ = file.name();
        opened.shards_.push_back(std::move(file));
        opened.metadata_ = std::move(header.metadata);
        opened.tensors_ = std::move(header.tensors);
        KRAIT_CHECK(opened.index_tensors());
        return opened;
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory, "not enough memory for the header of a safetensors file of {} bytes",
                    file.size());
    }
}

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes, std::string name) {
    return open_one(DataFile::borrow(bytes, std::move(name)));
}

Result<SafetensorsFile> SafetensorsFile::open(const fs::path& path, FileAccess access) {
    if (path.extension() == ".json") return open_index(path, access);
    KRAIT_TRY(DataFile file, DataFile::open(path, access));
    return open_one(std::move(file));
}

Result<SafetensorsFile> SafetensorsFile::open_index(const fs::path& path, FileAccess access) {
    KRAIT_TRY(const SafetensorsIndex index, SafetensorsIndex::open(path));
    KRAIT_CHECK(index.check_files());
    SafetensorsFile all;
    for (const std::string& name : index.files()) {
        KRAIT_TRY(DataFile file, DataFile::open(index.path_of(name), access));
        KRAIT_TRY(SafetensorsFile shard, open_one(std::move(file)));
        all.append_shard(std::move(shard));
    }
    all.name_ = path.string();
    KRAIT_CHECK(all.index_tensors());
    for (const SafetensorsIndex::Entry& entry : index.tensors()) {
        const SafetensorsTensor* tensor = all.find_tensor(entry.tensor);
        if (!tensor || tensor->shard != entry.file)
            return fail(ErrorCode::corrupt_file, "{}: tensor {} at byte {} is said to be in {}, and is not there",
                        path.string(), quote(entry.tensor), entry.at, quote(index.files()[entry.file]));
    }
    return all;
}

void SafetensorsFile::append_shard(SafetensorsFile shard) {
    const auto number = static_cast<uint32_t>(shards_.size());
    shards_.push_back(std::move(shard.shards_[0]));
    std::move(shard.metadata_.begin(), shard.metadata_.end(), std::back_inserter(metadata_));
    for (SafetensorsTensor& tensor : shard.tensors_) {
        tensor.shard = number;
        tensors_.push_back(std::move(tensor));
    }
}

Result<void> SafetensorsFile::index_tensors() {
    tensor_index_.reserve(tensors_.size());
    for (size_t i = 0; i < tensors_.size(); ++i) {
        const auto [first, added] = tensor_index_.emplace(tensors_[i].name, i);
        if (added) continue;
        const SafetensorsTensor &tensor = tensors_[i], &other = tensors_[first->second];
        return fail(ErrorCode::corrupt_file, "{}: tensor {} (described at byte {}) is in {} too (described at byte {})",
                    name_of(tensor), quote(tensor.name), tensor.record_offset, name_of(other), other.record_offset);
    }
    return {};
}

uint64_t SafetensorsFile::file_size() const {
    uint64_t size = 0;
    for (const DataFile& shard : shards_) size += shard.size();
    return size;
}

const SafetensorsTensor* SafetensorsFile::find_tensor(std::string_view name) const {
    const auto found = tensor_index_.find(name);
    return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

Result<const SafetensorsTensor*> SafetensorsFile::tensor(std::string_view name) const {
    if (const SafetensorsTensor* found = find_tensor(name)) return found;
    return fail(ErrorCode::corrupt_file, "{}: there is no tensor {} among its {}", name_, quote(name), tensors_.size());
}

Result<void> SafetensorsFile::read_part(const SafetensorsTensor& tensor, uint64_t offset, std::span<std::byte> out) const {
    if (offset > tensor.size || out.size() > tensor.size - offset)
        return fail(ErrorCode::internal, "tensor {}: bytes {} to {} of {} are asked for", quote(tensor.name), offset,
                    offset + out.size(), tensor.size);
    Result<void> done = shards_[tensor.shard].read(tensor.file_offset + offset, out);
    if (!done) return tl::unexpected<Error>(std::move(done).error().within("tensor " + quote(tensor.name)));
    return {};
}

void SafetensorsFile::will_read(const SafetensorsTensor& tensor) const {
    shards_[tensor.shard].will_need(tensor.file_offset, tensor.size);
}

void SafetensorsFile::release_pages() const {
    for (const DataFile& shard : shards_) shard.release_pages();
}

}  // namespace krait
