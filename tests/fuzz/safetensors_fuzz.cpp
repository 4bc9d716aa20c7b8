// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target: any bytes as a safetensors file. What is accepted is read to the last byte; what is refused must say where.
#include <cstdlib>

#include "formats/safetensors/safetensors_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto file = krait::SafetensorsFile::parse(std::as_bytes(std::span(data, size)), "fuzz.safetensors");
    if (!file) {
        if (file.error().code == krait::ErrorCode::internal || file.error().message.find("byte") == std::string::npos)
            std::abort();
        return 0;
    }
    uint64_t n_byte = 0, sum = 0;
    for (const krait::CheckpointTensor& tensor : file->tensors()) {
        if (file->find_tensor(tensor.name) != &tensor || tensor.bytes.size() != tensor.size) std::abort();
        n_byte += tensor.size;
        for (const std::byte byte : tensor.bytes) sum += static_cast<uint64_t>(byte);
    }
    // No byte belongs to two tensors, and none of the data to no tensor; the sum keeps the reads.
    if (n_byte > size || sum > n_byte * 255) std::abort();
    return 0;
}
