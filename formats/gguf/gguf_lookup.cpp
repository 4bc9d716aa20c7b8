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
    if (Result<void> done = input_.read(tensor.file_offset, bytes); !done)
        return tl::unexpected<Error>(std::move(done).error().within(fmt::format("tensor {}", quote_name(tensor.name))));
    return GgufBytes{bytes, std::move(own)};
}

void GgufFile::will_read(const GgufTensor& tensor) const {
    if (is_read()) input_.will_need(tensor.file_offset, tensor.size);
    else mapping_.advise(MappedFile::Advice::will_need, tensor.bytes);
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
    return fail(ErrorCode::corrupt_file, "{}: there is no tensor {} among the {} of the file", name_, quote_name(name),
                tensors_.size());
}

}  // namespace krait
