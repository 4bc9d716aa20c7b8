// SPDX-License-Identifier: Apache-2.0
//
// Reads a message of a protocol buffer field after field (its wire format, as protobuf.dev describes it). Nothing is allocated;
// a message inside of it is its bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace krait::huggingface {

struct ProtobufField {
    uint32_t number = 0;
    uint64_t value = 0;      // of a whole number or a boolean, and the bits of a float
    std::string_view bytes;  // of a text or a message
    bool has_bytes = false;
    uint64_t at = 0;  // byte of the file
};

class ProtobufCursor {
  public:
    // first_byte: where the message begins in the file. The name must outlive the cursor.
    ProtobufCursor(std::string_view message, uint64_t first_byte, std::string_view file)
        : message_(message), first_byte_(first_byte), file_(file) {}

    // The next field; false at the end.
    Result<bool> next(ProtobufField& field);
    // A cursor over a field with bytes.
    [[nodiscard]] ProtobufCursor inside(const ProtobufField& field) const {
        return {field.bytes, first_byte_ + static_cast<uint64_t>(field.bytes.data() - message_.data()), file_};
    }
    template <class... Args>
    [[nodiscard]] tl::unexpected<Error> error(fmt::format_string<Args...> text, Args&&... args) const {
        return fail(ErrorCode::corrupt_file, "{}: {}", file_, fmt::format(text, std::forward<Args>(args)...));
    }

  private:
    Result<uint64_t> varint();
    Result<uint64_t> fixed(size_t n_byte);

    std::string_view message_;
    uint64_t first_byte_;
    std::string_view file_;
    size_t at_ = 0;
};

}  // namespace krait::huggingface
