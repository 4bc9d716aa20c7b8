// SPDX-License-Identifier: Apache-2.0
//
// include/krait/metadata.h: what a model's file holds.
#include <limits>
#include <variant>

#include "capi/api.hpp"
#include "formats/gguf/gguf_value.hpp"

using namespace krait;
using namespace krait::capi;

namespace {

Result<const GgufMetadata*> entry_at(const krait_model* model, size_t index) {
    KRAIT_CHECK(expect_given(model, "model"));
    const auto metadata = model->source().metadata();
    if (index < metadata.size()) return &metadata[index];
    return fail(ErrorCode::not_found, "there is no entry {}: the file has {}", index, metadata.size());
}

std::string whole(const GgufValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    constexpr size_t kAll = std::numeric_limits<size_t>::max();
    return to_string(value, kAll, kAll);
}

}  // namespace

uint32_t krait_model_format_version(const krait_model* model) { return model ? model->source().version() : 0; }
uint64_t krait_model_file_bytes(const krait_model* model) { return model ? model->source().file_size() : 0; }
size_t krait_model_file_count(const krait_model* model) { return model ? model->source().file_count() : 0; }
const char* krait_model_file_name(const krait_model* model, size_t index) {
    return index < krait_model_file_count(model) ? model->source().file_name(index).c_str() : nullptr;
}

size_t krait_model_metadata_count(const krait_model* model) { return model ? model->source().metadata().size() : 0; }

krait_code krait_model_metadata(const krait_model* model, size_t index, krait_metadata* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_TRY(const GgufMetadata* entry, entry_at(model, index));
        krait_metadata found KRAIT_METADATA_INIT;
        found.key = entry->key.data();
        found.key_size = entry->key.size();
        found.type = gguf_type_name(gguf_type(entry->value)).data();  // of a literal
        const auto* array = std::get_if<GgufArray>(&entry->value);
        found.n_element = array ? gguf_array_size(*array) : 1;
        return fill(out, found);
    });
}

krait_code krait_model_metadata_find(const krait_model* model, const char* key, size_t size, size_t* index,
                                     krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(index, "index"));
        if (size > 0) KRAIT_CHECK(expect_given(key, "key"));
        const std::string_view wanted = size > 0 ? std::string_view(key, size) : std::string_view();
        const GgufMetadata* found = model->source().find(wanted);
        if (!found) return fail(ErrorCode::not_found, "{} has no key {}", model->source().name(), quote_name(wanted));
        *index = static_cast<size_t>(found - model->source().metadata().data());
        return {};
    });
}

krait_code krait_model_metadata_text(const krait_model* model, size_t index, krait_value_form form, char* text, size_t capacity,
                                     size_t* size, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_TRY(const GgufMetadata* entry, entry_at(model, index));
        KRAIT_CHECK(expect_given(size, "size"));
        const uint32_t number = number_of(form);
        if (number > KRAIT_VALUE_WHOLE)
            return fail(ErrorCode::invalid_argument, "form is {}; 0 and 1 exist", static_cast<int32_t>(number));
        const std::string written = number == KRAIT_VALUE_WHOLE ? whole(entry->value) : to_string(entry->value);
        return give(std::span<const char>(written), text, capacity, size);
    });
}

size_t krait_model_tensor_count(const krait_model* model) { return model ? model->source().tensors().size() : 0; }

krait_code krait_model_tensor(const krait_model* model, size_t index, krait_tensor* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        const auto tensors = model->source().tensors();
        if (index >= tensors.size())
            return fail(ErrorCode::not_found, "there is no tensor {}: the file has {}", index, tensors.size());
        const GgufTensor& tensor = tensors[index];
        krait_tensor found KRAIT_TENSOR_INIT;
        static_assert(KRAIT_MAX_RANK == std::size(krait_tensor{}.extents));
        found.name = tensor.name.data();
        found.name_size = tensor.name.size();
        found.type = dtype_name(tensor.dtype());
        found.rank = static_cast<uint32_t>(tensor.extents().size());
        std::ranges::copy(tensor.extents(), found.extents);
        found.bytes = tensor.byte_size();
        found.offset = tensor.file_offset;
        found.file = tensor.shard;
        return fill(out, found);
    });
}
