// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target: any text as the index of a checkpoint in shards. Names that are accepted stay in the folder of the index.
#include <cstdlib>

#include "formats/checkpoint/weight_index.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::filesystem::path path = "/folder/index.json";
    const auto index = krait::WeightIndex::parse({reinterpret_cast<const char*>(data), size}, path);
    if (!index) {
        if (index.error().code != krait::ErrorCode::corrupt_file || index.error().message.find("byte") == std::string::npos)
            std::abort();
        return 0;
    }
    for (const std::string& file : index->files())
        if (index->path_of(file).lexically_normal().parent_path() != "/folder") std::abort();
    for (const auto& entry : index->tensors())
        if (entry.file >= index->files().size()) std::abort();
    return 0;
}
