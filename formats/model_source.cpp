// SPDX-License-Identifier: Apache-2.0
//
// ModelSource: metadata and tensors by name. model_source_getters.cpp converts values.
#include "formats/model_source.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

#include "formats/gguf/gguf_value.hpp"

namespace krait {

ModelSource::ModelSource() = default;
ModelSource::ModelSource(ModelSource&&) noexcept = default;
ModelSource& ModelSource::operator=(ModelSource&&) noexcept = default;
ModelSource::~ModelSource() = default;

Result<TensorBytes> ModelSource::read(const GgufTensor& tensor, uint64_t max_bytes) const {
    const auto size = static_cast<size_t>(std::min(tensor.size, max_bytes));
    if (!tensor.bytes.empty()) return TensorBytes{tensor.bytes.first(size), nullptr};
    auto own = std::make_unique_for_overwrite<std::byte[]>(size);
    const std::span<std::byte> bytes(own.get(), size);
    KRAIT_CHECK(read_part(tensor, 0, bytes));
    return TensorBytes{bytes, std::move(own)};
}

void ModelSource::index() {
    metadata_index_.clear();
    tensor_index_.clear();
    for (size_t i = 0; i < metadata_.size(); ++i) metadata_index_.emplace(metadata_[i].key, i);
    for (size_t i = 0; i < tensors_.size(); ++i) tensor_index_.emplace(tensors_[i].name, i);
}

std::span<const GgufMetadata> ModelSource::metadata() const { return metadata_; }

const GgufMetadata* ModelSource::find(std::string_view key) const {
    const auto found = metadata_index_.find(key);
    return found == metadata_index_.end() ? nullptr : &metadata_[found->second];
}

void ModelSource::replace_tokenizer(std::vector<GgufMetadata> entries, std::vector<std::string> warnings) {
    constexpr std::string_view kTemplate = "tokenizer.chat_template";
    const bool has_template =
        std::ranges::any_of(entries, [&](const GgufMetadata& entry) { return entry.key.starts_with(kTemplate); });
    std::erase_if(metadata_, [&](const GgufMetadata& entry) {
        const bool is_template = entry.key.starts_with(kTemplate);
        return is_template ? has_template : entry.key.starts_with("tokenizer.") || entry.key.starts_with("krait.tokenizer.");
    });
    std::move(entries.begin(), entries.end(), std::back_inserter(metadata_));
    std::move(warnings.begin(), warnings.end(), std::back_inserter(warnings_));
    index();
}

void ModelSource::forget(std::string_view key) {
    if (const auto found = metadata_index_.find(key); found != metadata_index_.end())
        metadata_[found->second].value = GgufArray(std::vector<std::string>());
}

const GgufTensor* ModelSource::find_tensor(std::string_view name) const {
    const auto found = tensor_index_.find(name);
    return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

Result<const GgufTensor*> ModelSource::tensor(std::string_view name) const {
    if (const GgufTensor* found = find_tensor(name)) return found;
    return fail(ErrorCode::corrupt_file, "{}: there is no tensor {} among its {}", this->name(), quote_name(name),
                tensors_.size());
}

}  // namespace krait
