// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_file.hpp"

#include "formats/safetensors/safetensors_header.hpp"

namespace krait {

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path, FileAccess access) {
    KRAIT_TRY(CheckpointFile file, open_with(read_safetensors_header, path, access));
    return SafetensorsFile(std::move(file));
}

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes, std::string name) {
    KRAIT_TRY(CheckpointFile file, open_one(read_safetensors_header, DataFile::borrow(bytes, std::move(name))));
    return SafetensorsFile(std::move(file));
}

}  // namespace krait
