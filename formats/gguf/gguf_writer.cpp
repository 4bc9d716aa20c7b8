// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_writer.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

namespace krait {
namespace {

// The fields of the format, little-endian, into memory.
class HeaderBytes {
  public:
    template <class T>
    requires std::is_arithmetic_v<T>
    void put(T value) { put_bytes(std::as_bytes(std::span(&value, 1))); }
    void put(bool value) { put(static_cast<uint8_t>(value ? 1 : 0)); }
    void put(std::string_view text) {
        put(static_cast<uint64_t>(text.size()));
        put_bytes(std::as_bytes(std::span(text)));
    }
    void put(const std::string& text) { put(std::string_view(text)); }
    void put(const GgufArray& array) {
        put(static_cast<uint32_t>(gguf_type(array)));
        put(static_cast<uint64_t>(gguf_array_size(array)));
        std::visit(
            [this](const auto& elements) {
                using Elements = std::decay_t<decltype(elements)>;
                if constexpr (!std::is_same_v<Elements, std::monostate>)
                    for (size_t i = 0; i < elements.size(); ++i) {
                        if constexpr (std::is_same_v<Elements, std::vector<bool>>) put(static_cast<bool>(elements[i]));
                        else put(elements[i]);
                    }
            },
            array);
    }
    void put(const GgufMetadata& entry) {
        put(entry.key);
        put(static_cast<uint32_t>(gguf_type(entry.value)));
        std::visit([this](const auto& value) { put(value); }, entry.value);
    }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  private:
    void put_bytes(std::span<const std::byte> bytes) {
        const size_t at = bytes_.size();
        bytes_.resize(at + bytes.size());
        if (!bytes.empty()) std::memcpy(bytes_.data() + at, bytes.data(), bytes.size());
    }

    std::vector<std::byte> bytes_;
};

}  // namespace

uint64_t gguf_metadata_bytes(const GgufMetadata& entry) {
    HeaderBytes bytes;
    bytes.put(entry);
    return bytes.bytes().size();
}

uint64_t gguf_record_bytes(std::string_view tensor_name, uint32_t rank) {
    return 8 + tensor_name.size() + 4 + uint64_t{8} * rank + 4 + 8;  // name, rank, extents, type, offset
}

Result<GgufWriter> GgufWriter::create(const std::filesystem::path& target) {
    GgufWriter writer;
    KRAIT_TRY(writer.output_, OutputFile::create(target));
    return writer;
}

// ---- declarations ------------------------------------------------------------------------------------------------

Result<void> GgufWriter::accepts_declarations(std::string_view what) const {
    if (!output_.is_open())
        return fail(ErrorCode::invalid_argument, "cannot add {}: '{}' is finished or has failed", what,
                    output_.target().string());
    if (header_written_)
        return fail(ErrorCode::invalid_argument, "cannot add {} to '{}': tensor data has begun", what,
                    output_.target().string());
    return {};
}

Result<void> GgufWriter::add(std::string key, GgufValue value) {
    const std::string what = "metadata " + quote_name(key);
    KRAIT_CHECK(accepts_declarations(what));
    if (key.empty() || key.size() > kGgufMaxNameBytes)
        return fail(ErrorCode::invalid_argument, "{}: a key has 1 to {} bytes", what, kGgufMaxNameBytes);
    if (const auto* array = std::get_if<GgufArray>(&value); array && std::holds_alternative<std::monostate>(*array))
        return fail(ErrorCode::invalid_argument, "{}: an array without an element type", what);
    if (key == kGgufAlignmentKey) {
        // Readers of other makes take nothing but a uint32 here.
        const uint32_t* alignment = std::get_if<uint32_t>(&value);
        if (!alignment || !is_gguf_alignment(*alignment))
            return fail(ErrorCode::invalid_argument, "{} is {}; a uint32 is needed, a power of two from {} to {}", what,
                        to_string(value), kGgufMinAlignment, kGgufMaxAlignment);
        alignment_ = *alignment;
    }
    if (!keys_.insert(key).second) return fail(ErrorCode::invalid_argument, "{} is there already", what);
    metadata_.push_back({std::move(key), std::move(value), 0});
    return {};
}

Result<void> GgufWriter::declare(std::string name, DType dtype, std::span<const int64_t> extents) {
    const std::string what = "tensor " + quote_name(name);
    KRAIT_CHECK(accepts_declarations(what));
    if (name.empty() || name.size() > kGgufMaxNameBytes)
        return fail(ErrorCode::invalid_argument, "{}: a name has 1 to {} bytes", what, kGgufMaxNameBytes);
    TensorDesc desc{};
    desc.dtype = static_cast<uint32_t>(dtype);
    desc.rank = static_cast<uint32_t>(std::min<size_t>(extents.size(), KRAIT_MAX_RANK + 1));
    for (size_t i = 0; i < std::min<size_t>(extents.size(), KRAIT_MAX_RANK); ++i) desc.extent[i] = extents[i];
    if (auto checked = check_desc(desc); !checked) return tl::unexpected<Error>(std::move(checked).error().within(what));
    if (element_count(desc) == 0)
        return fail(ErrorCode::invalid_argument, "{}: an extent is 0, and a file holds no empty tensors", what);
    if (!names_.insert(name).second) return fail(ErrorCode::invalid_argument, "{} is there already", what);
    desc = make_desc(dtype, extents);
    tensors_.push_back({std::move(name), desc, static_cast<uint64_t>(span_bytes(desc))});
    return {};
}

// ---- bytes -------------------------------------------------------------------------------------------------------

Result<void> GgufWriter::write_header() {
    HeaderBytes header;
    header.put(kGgufMagic);
    header.put(kGgufWriteVersion);
    header.put(static_cast<uint64_t>(tensors_.size()));
    header.put(static_cast<uint64_t>(metadata_.size()));
    for (const GgufMetadata& entry : metadata_) header.put(entry);
    uint64_t offset = 0;
    for (const Tensor& tensor : tensors_) {
        header.put(tensor.name);
        header.put(tensor.desc.rank);
        for (uint32_t i = tensor.desc.rank; i-- > 0;) header.put(static_cast<uint64_t>(tensor.desc.extent[i]));
        header.put(tensor.desc.dtype);
        header.put(offset);
        offset = (offset + tensor.byte_size + alignment_ - 1) / alignment_ * alignment_;
    }
    header_written_ = true;
    KRAIT_CHECK(output_.check_room(header.bytes().size() + alignment_ + offset));
    KRAIT_CHECK(output_.write(header.bytes()));
    return pad_to_alignment();
}

Result<void> GgufWriter::pad_to_alignment() {
    static constexpr std::byte kZeros[4096] = {};
    while (output_.position() % alignment_ != 0) {
        const uint64_t missing = alignment_ - output_.position() % alignment_;
        KRAIT_CHECK(output_.write(std::span(kZeros).first(std::min<uint64_t>(missing, sizeof(kZeros)))));
    }
    return {};
}

Result<void> GgufWriter::write_part(std::string_view name, std::span<const std::byte> bytes) {
    const std::string what = "tensor " + quote_name(name);
    if (!output_.is_open())
        return fail(ErrorCode::invalid_argument, "{}: '{}' is finished or has failed", what, output_.target().string());
    if (next_tensor_ == tensors_.size())
        return fail(ErrorCode::invalid_argument, "{}: all {} tensors of '{}' are complete", what, tensors_.size(),
                    output_.target().string());
    const Tensor& tensor = tensors_[next_tensor_];
    if (name != tensor.name)
        return fail(ErrorCode::invalid_argument, "{} comes out of turn: {} is next, with {} of {} bytes written", what,
                    quote_name(tensor.name), tensor_bytes_, tensor.byte_size);
    if (bytes.size() > tensor.byte_size - tensor_bytes_)
        return fail(ErrorCode::invalid_argument, "{}: {} bytes are given, and {} of its {} are missing ({})", what,
                    bytes.size(), tensor.byte_size - tensor_bytes_, tensor.byte_size, to_string(tensor.desc));
    if (!header_written_) KRAIT_CHECK(write_header());
    KRAIT_CHECK(output_.write(bytes));
    tensor_bytes_ += bytes.size();
    if (tensor_bytes_ < tensor.byte_size) return {};
    ++next_tensor_;
    tensor_bytes_ = 0;
    return pad_to_alignment();
}

Result<void> GgufWriter::write_tensor(std::string_view name, std::span<const std::byte> bytes) {
    if (next_tensor_ < tensors_.size() && name == tensors_[next_tensor_].name &&
        bytes.size() != tensors_[next_tensor_].byte_size - tensor_bytes_)
        return fail(ErrorCode::invalid_argument, "tensor {}: {} bytes are given, and {} are needed ({})", quote_name(name),
                    bytes.size(), tensors_[next_tensor_].byte_size - tensor_bytes_, to_string(tensors_[next_tensor_].desc));
    return write_part(name, bytes);
}

Result<void> GgufWriter::finish() {
    if (!output_.is_open())
        return fail(ErrorCode::invalid_argument, "'{}' is finished or has failed", output_.target().string());
    if (next_tensor_ < tensors_.size())
        return fail(ErrorCode::invalid_argument,
                    "'{}' is not complete: tensor {} has {} of {} bytes, and {} more tensors follow it",
                    output_.target().string(), quote_name(tensors_[next_tensor_].name), tensor_bytes_,
                    tensors_[next_tensor_].byte_size, tensors_.size() - next_tensor_ - 1);
    if (!header_written_) KRAIT_CHECK(write_header());
    return output_.finish();
}

}  // namespace krait
