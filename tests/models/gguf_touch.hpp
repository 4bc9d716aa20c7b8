// SPDX-License-Identifier: Apache-2.0
//
// Reads all that an opened GGUF file offers: every value, every getter, every byte of every tensor. Under a sanitizer, a
// span that reaches outside the file is found here. Returns a checksum, so that no read is optimized away.
#pragma once

#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_value.hpp"

namespace krait::test {

inline uint64_t touch_everything(const GgufFile& file) {
    uint64_t sum = file.version() + file.alignment() + file.data_offset();
    const auto count = [&](const auto& result) { sum += result ? 1 : result.error().message.size(); };
    for (const GgufMetadata& entry : file.metadata()) {
        sum += entry.offset + to_string(entry.value).size();
        if (file.find(entry.key) != &entry) sum += 1;
        count(file.get_u32(entry.key));
        count(file.get_i64(entry.key));
        count(file.get_f32(entry.key));
        count(file.get_bool(entry.key));
        count(file.get_i32_array(entry.key));
        count(file.get_f32_array(entry.key));
        count(file.get<std::vector<bool>>(entry.key));
        if (const auto text = file.get_string(entry.key))
            for (const char c : *text) sum += static_cast<unsigned char>(c);
        if (const auto strings = file.get_string_array(entry.key))
            for (const std::string& text : *strings)
                for (const char c : text) sum += static_cast<unsigned char>(c);
    }
    for (const GgufTensor& tensor : file.tensors()) {
        if (file.find_tensor(tensor.name) != &tensor) sum += 1;
        sum += to_string(tensor.desc).size() + static_cast<uint64_t>(element_count(tensor.desc));
        for (const std::byte byte : tensor.bytes) sum += static_cast<uint64_t>(byte);
    }
    return sum;
}

}  // namespace krait::test
