// SPDX-License-Identifier: Apache-2.0
//
// GgufFile: its files, and a tensor's bytes. gguf_reader.cpp parses them.
#include <algorithm>

#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_value.hpp"

namespace krait {

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

void GgufFile::will_not_read(const GgufTensor& tensor) const {
    shards_[tensor.shard].file.advise(MappedFile::Advice::dont_need, tensor.bytes);
}

void GgufFile::release_pages() const {
    for (const GgufShard& shard : shards_) shard.file.release_pages();
}

uint64_t GgufFile::file_size() const {
    uint64_t size = 0;
    for (const GgufShard& shard : shards_) size += shard.file.size();
    return size;
}

std::string GgufFile::origin_of(const GgufTensor& tensor) const {
    return fmt::format("record at byte {}", tensor.record_offset);
}

std::vector<std::span<const std::byte>> GgufFile::descriptions() const {
    std::vector<std::span<const std::byte>> headers;
    for (const GgufShard& shard : shards_)
        headers.push_back(shard.bytes.first(std::min<size_t>(shard.data_offset, shard.bytes.size())));
    return headers;
}

}  // namespace krait
