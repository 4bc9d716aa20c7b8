// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/protobuf_cursor.hpp"

namespace krait::huggingface {

Result<uint64_t> ProtobufCursor::varint() {
    const size_t begin = at_;
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (at_ == message_.size()) return error("the number at byte {} is cut off", first_byte_ + begin);
        const auto byte = static_cast<uint8_t>(message_[at_++]);
        value |= uint64_t{byte & 0x7Fu} << shift;
        if (byte < 0x80) return value;
    }
    return error("the number at byte {} has more than 64 bits", first_byte_ + begin);
}

Result<uint64_t> ProtobufCursor::fixed(size_t n_byte) {
    if (message_.size() - at_ < n_byte) return error("the number at byte {} is cut off", first_byte_ + at_);
    uint64_t value = 0;
    for (size_t i = 0; i < n_byte; ++i) value |= uint64_t{static_cast<uint8_t>(message_[at_ + i])} << (8 * i);
    at_ += n_byte;
    return value;
}

Result<bool> ProtobufCursor::next(ProtobufField& field) {
    if (at_ == message_.size()) return false;
    field = {.at = first_byte_ + at_};
    KRAIT_TRY(const uint64_t tag, varint());
    if (tag >> 3 == 0 || tag >> 3 > 0x1FFFFFFF) return error("there is no field at byte {}", field.at);
    field.number = static_cast<uint32_t>(tag >> 3);
    switch (tag & 7) {
        case 0: {
            KRAIT_TRY(field.value, varint());
            return true;
        }
        case 1: {
            KRAIT_TRY(field.value, fixed(8));
            return true;
        }
        case 5: {
            KRAIT_TRY(field.value, fixed(4));
            return true;
        }
        case 2: {
            KRAIT_TRY(const uint64_t size, varint());
            if (size > message_.size() - at_)
                return error("field {} at byte {} has {} bytes, of which {} are there", field.number, field.at, size,
                             message_.size() - at_);
            field.bytes = message_.substr(at_, static_cast<size_t>(size));
            field.has_bytes = true;
            at_ += static_cast<size_t>(size);
            return true;
        }
        default: return error("field {} at byte {} is of the kind {}, which no model has", field.number, field.at, tag & 7);
    }
}

}  // namespace krait::huggingface
