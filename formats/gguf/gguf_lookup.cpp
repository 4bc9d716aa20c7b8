// SPDX-License-Identifier: Apache-2.0
//
// GgufFile: metadata and tensors by name, and a tensor's bytes. gguf_reader.cpp parses the file, gguf_getters.cpp converts
// values.
#include <algorithm>
#include <memory>

#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_value.hpp"

namespace krait {

Result<GgufBytes> GgufFile::read(const GgufTensor& tensor, uint64_t max_bytes) const {
    const auto size = static_cast<size_t>(std::min(tensor.size, max_bytes));
    if (!is_read()) return GgufBytes{tensor.bytes.first(size), nullptr};
    auto own = std::make_unique_for_overwrite<std::byte[]>(size);
    const std::span<std::byte> bytes(own.get(), size);
    KRAIT_CHECK(read_part(tensor, 0, bytes));
    return GgufBytes{bytes, std::move(own)};
}

Result<void> GgufFile::read_part(const GgufTensor& tensor, uint64_t offset, std::span<std::byte> out) const {
    if (offset > tensor.size || out.size() > tensor.size - offset)
        return fail(ErrorCode::internal, "tensor {}: bytes {} to {} of {} are asked for", quote_name(tensor.name), offset,
                    offset + out.size(), tensor.size);
    Result<void> done = shards_[tensor.shard].file.read(tensor.file_offset + offset, out);
    if (!done) return tl::unexpected<Error>(std::move(done).error().within(fmt::format("tensor {}", quote_name(tensor.name))));
    return {};
}

void GgufFile::will_read(const GgufTensor& tensor) const {
    shards_[tensor.shard].file.will_need(tensor.file_offset, tensor.size);
}

void GgufFile::advise(MappedFile::Advice advice, std::span<const std::byte> part) const {
    for (const GgufShard& shard : shards_) shard.file.advise(advice, part);  // of a part that is not its own it does nothing
}

void GgufFile::release_pages() const {
    for (const GgufShard& shard : shards_) shard.file.release_pages();
}

uint64_t GgufFile::file_size() const {
    uint64_t size = 0;
    for (const GgufShard& shard : shards_) size += shard.file.size();
    return size;
}

std::span<const GgufMetadata> GgufFile::metadata() const { return metadata_; }

const GgufMetadata* GgufFile::find(std::string_view key) const {
    const auto found = metadata_index_.find(key);
    return found == metadata_index_.end() ? nullptr : &metadata_[found->second];
}

void GgufFile::forget(std::string_view key) {
    if (const auto found = metadata_index_.find(key); found != metadata_index_.end())
        metadata_[found->second].value = GgufArray(std::vector<std::string>());
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
    const auto found = tensor_index_.find(name);
    return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

Result<const GgufTensor*> GgufFile::tensor(std::string_view name) const {
    if (const GgufTensor* found = find_tensor(name)) return found;
    return fail(ErrorCode::corrupt_file, "{}: there is no tensor {} among the {} of the file", GgufFile::name(),
                quote_name(name), tensors_.size());
}

}  // namespace krait
