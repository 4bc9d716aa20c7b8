// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target: any bytes as an archive of torch.save, and bytes that do not begin as a zip archive as the pickle of one
// with a storage of 64 bytes. What is accepted is read to the last byte; what is refused must say where.
#include <cstdlib>

#include "formats/torch/torch_file.hpp"
#include "formats/torch/torch_state_dict.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void check_refusal(const krait::Error& error) {
    if (error.code == krait::ErrorCode::internal || error.message.find("byte") == std::string::npos) std::abort();
}

// A view may be smaller than its storage, never larger.
void check_tensor(const krait::CheckpointTensor& tensor, size_t file_size) {
    if (tensor.size > file_size || tensor.file_offset > file_size - tensor.size) std::abort();
    if (tensor.strides.empty() != (tensor.bytes.size() == tensor.size) && tensor.size > 0) std::abort();
}

void read_archive(std::span<const std::byte> bytes) {
    const auto file = krait::TorchFile::parse(bytes, "fuzz.bin");
    if (!file) return check_refusal(file.error());
    std::vector<std::byte> copy;
    for (const krait::CheckpointTensor& tensor : file->tensors()) {
        check_tensor(tensor, bytes.size());
        if (file->find_tensor(tensor.name) != &tensor) std::abort();
        copy.resize(tensor.size);
        if (!file->read_part(tensor, 0, copy)) std::abort();
    }
}

void read_pickle(std::string_view text) {
    const std::string data(64, 'd');
    const krait::DataFile file = krait::DataFile::borrow(std::as_bytes(std::span(data)), "fuzz.bin");
    const krait::ZipEntry entry{.name = "m/data/0", .size = data.size()};
    const auto pickle = krait::read_pickle(text, 0, "fuzz.bin: entry 'm/data.pkl'");
    if (!pickle) return check_refusal(pickle.error());
    const auto tensors = krait::read_state_dict(*pickle, file, {&entry, 1}, "m");
    if (!tensors) return check_refusal(tensors.error());
    for (const krait::CheckpointTensor& tensor : *tensors) check_tensor(tensor, data.size());
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.starts_with("PK")) read_archive(std::as_bytes(std::span(data, size)));
    else read_pickle(text);
    return 0;
}
