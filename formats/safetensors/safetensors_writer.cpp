// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_writer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "core/base/printable.hpp"

namespace krait {

Result<SafetensorsWriter> SafetensorsWriter::create(const std::filesystem::path& target) {
    SafetensorsWriter writer;
    KRAIT_TRY(writer.file_, OutputFile::create(target));
    return writer;
}

Result<void> SafetensorsWriter::declare(std::string_view name, DType dtype, std::span<const int64_t> extents) {
    const bool is_plain =
        !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
    if (!is_plain) return fail(ErrorCode::invalid_argument, "{} is no name of a tensor in safetensors", quote(name));
    if (dtype != DType::F32 && dtype != DType::F16 && dtype != DType::BF16)
        return fail(ErrorCode::unsupported, "'{}' is {}: F32, F16 and BF16 are possible in safetensors", name,
                    dtype_name(dtype));
    uint64_t size = dtype == DType::F32 ? 4 : 2;
    for (const int64_t extent : extents) size *= static_cast<uint64_t>(extent);
    entries_ += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name, dtype_name(dtype),
                            fmt::join(extents, ","), data_size_, data_size_ + size);
    tensors_.push_back({std::string(name), size});
    data_size_ += size;
    return {};
}

// The length of the header, 8 bytes little-endian; the header, padded with blanks so that data begins at a multiple of 8.
Result<void> SafetensorsWriter::write_header() {
    has_header_ = true;
    std::string header = R"({"__metadata__":{"format":"pt"})" + entries_ + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    std::array<std::byte, 8> length{};
    for (size_t i = 0; i < length.size(); ++i) length[i] = static_cast<std::byte>(header.size() >> (8 * i));
    KRAIT_CHECK(file_.check_room(length.size() + header.size() + data_size_));
    KRAIT_CHECK(file_.write(length));
    return file_.write(std::as_bytes(std::span(header)));
}

Result<void> SafetensorsWriter::write_part(std::string_view name, std::span<const std::byte> bytes) {
    if (!has_header_) KRAIT_CHECK(write_header());
    while (next_ < tensors_.size() && tensors_[next_].written == tensors_[next_].size) ++next_;
    if (next_ == tensors_.size() || tensors_[next_].name != name ||
        bytes.size() > tensors_[next_].size - tensors_[next_].written)
        return fail(ErrorCode::internal, "{} bytes of '{}' are not what comes next", bytes.size(), name);
    tensors_[next_].written += bytes.size();
    return file_.write(bytes);
}

Result<void> SafetensorsWriter::finish() {
    if (!has_header_) KRAIT_CHECK(write_header());
    for (const Tensor& tensor : tensors_)
        if (tensor.written != tensor.size)
            return fail(ErrorCode::internal, "'{}' has {} of {} bytes", tensor.name, tensor.written, tensor.size);
    return file_.finish();
}

}  // namespace krait
