// SPDX-License-Identifier: Apache-2.0
//
// Reads little-endian fields one after another, each checked against the end of the bytes. Private to the reader.
//
// Every failure reads "FILE: PART: FIELD at byte N ...": the part is set by the parser as it goes ("metadata 3
// 'mamba.ssm.conv_kernel'"), the field is told with each read.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "formats/gguf/gguf_types.hpp"

namespace krait {

static_assert(std::endian::native == std::endian::little, "GGUF fields are copied as they lie in the file");

class GgufCursor {
  public:
    // Everything in front of the data of tensors is read within the first 256 MiB. The largest vocabularies take 10 MiB; the
    // limit keeps a file that declares gigabytes of metadata from filling the memory with them.
    static constexpr size_t kMaxHeaderBytes = size_t{256} << 20;

    // The file, or the beginning of one of file_size bytes.
    GgufCursor(std::span<const std::byte> bytes, uint64_t file_size, std::string_view file)
        : file_size_(file_size), window_(bytes.first(std::min(bytes.size(), kMaxHeaderBytes))), file_(file) {}

    [[nodiscard]] uint64_t position() const { return position_; }
    [[nodiscard]] uint64_t remaining() const { return window_.size() - position_; }
    [[nodiscard]] uint64_t file_size() const { return file_size_; }
    // Whether an error came of too short a beginning: with more bytes of the file there may be none, or another one.
    [[nodiscard]] bool lacks_bytes() const { return lacks_bytes_; }

    // The next fields belong to a part of the file, or to entry index of one of its lists, named once that is known.
    void enter(std::string_view part) { part_ = part, listed_ = false, named_ = false; }
    void enter(std::string_view part, uint64_t index) { part_ = part, index_ = index, listed_ = true, named_ = false; }
    void name_part(std::string_view name) { name_ = name, named_ = true; }

    template <class... Args>
    [[nodiscard]] tl::unexpected<Error> error(ErrorCode code, fmt::format_string<Args...> text, Args&&... args) const {
        return fail(code, "{}: {}: {}", file_, part(), fmt::format(text, std::forward<Args>(args)...));
    }

    template <class T>
    [[nodiscard]] Result<T> read(std::string_view field) {
        KRAIT_TRY(const std::span<const std::byte> bytes, take(sizeof(T), field));
        T value;
        std::memcpy(&value, bytes.data(), sizeof(T));
        return value;
    }

    // size bytes, which field needs.
    [[nodiscard]] Result<std::span<const std::byte>> take(uint64_t size, std::string_view field) {
        if (size > remaining()) return past_end(size, field);
        const std::span<const std::byte> taken = window_.subspan(position_, size);
        position_ += size;
        return taken;
    }

    // A length and that many bytes. The view points into the file.
    [[nodiscard]] Result<std::string_view> read_string(std::string_view field, uint64_t max_bytes = UINT64_MAX) {
        const uint64_t at = position_;
        uint64_t length = 0;
        if (remaining() < sizeof(length)) return past_end(sizeof(length), fmt::format("length of the {}", field));
        std::memcpy(&length, window_.data() + position_, sizeof(length));
        position_ += sizeof(length);
        if (length > max_bytes)
            return error(ErrorCode::corrupt_file, "length of the {} at byte {} is {}; at most {} is possible", field, at,
                         length, max_bytes);
        if (length > remaining()) {
            note_lack();
            return error(code_beyond(length), "length of the {} at byte {} is {}, but only {} bytes follow{}", field, at,
                         length, remaining(), note_beyond(length));
        }
        KRAIT_TRY(const std::span<const std::byte> bytes, take(length, field));
        return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }

    // A number of entries of at least entry_bytes each, which stands at byte `at`, against what follows.
    [[nodiscard]] Result<void> check_count(uint64_t count, uint64_t at, std::string_view field, uint64_t entry_bytes) {
        const uint64_t possible = remaining() / entry_bytes;
        if (count <= possible) return {};
        note_lack();
        const uint64_t needed = count > UINT64_MAX / entry_bytes ? UINT64_MAX : count * entry_bytes;
        return error(code_beyond(needed), "{} at byte {} is {}, but the {} bytes that follow hold at most {}{}", field, at,
                     count, remaining(), possible, note_beyond(needed));
    }

  private:
    [[nodiscard]] std::string part() const {
        if (!listed_) return std::string(part_);
        return named_ ? fmt::format("{} {} {}", part_, index_, quote_name(name_)) : fmt::format("{} {}", part_, index_);
    }
    // Bytes that the window lacks: either the file has them, and they lie beyond the limit, or it does not.
    [[nodiscard]] bool in_file(uint64_t size) const { return size <= file_size_ - position_; }
    [[nodiscard]] ErrorCode code_beyond(uint64_t size) const {
        return in_file(size) ? ErrorCode::unsupported : ErrorCode::corrupt_file;
    }
    [[nodiscard]] std::string_view note_beyond(uint64_t size) const {
        return in_file(size) ? " in the first 256 MiB, where metadata and tensor records must lie" : "";
    }
    void note_lack() { lacks_bytes_ = window_.size() < std::min<uint64_t>(file_size_, kMaxHeaderBytes); }
    [[nodiscard]] tl::unexpected<Error> past_end(uint64_t size, std::string_view field) {
        note_lack();
        if (in_file(size))
            return error(ErrorCode::unsupported,
                         "{} at byte {} lies outside the first 256 MiB, where metadata and tensor "
                         "records must lie",
                         field, position_);
        return error(ErrorCode::corrupt_file,
                     "{} at byte {} takes {} bytes, but the file ends at byte {}: {} bytes are missing", field, position_, size,
                     file_size_, size - (file_size_ - position_));
    }

    uint64_t file_size_;
    std::span<const std::byte> window_;
    std::string_view file_;
    uint64_t position_ = 0;
    std::string_view part_ = "header";
    std::string_view name_;
    uint64_t index_ = 0;
    bool listed_ = false;
    bool named_ = false;
    bool lacks_bytes_ = false;
};

}  // namespace krait
