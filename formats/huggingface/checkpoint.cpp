// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/checkpoint.hpp"

#include "formats/huggingface/folder_files.hpp"
#include "formats/safetensors/safetensors_file.hpp"
#include "formats/torch/torch_file.hpp"

namespace krait::huggingface {
namespace {

namespace fs = std::filesystem;

template <class File>
Result<CheckpointFile> open_as(const fs::path& path, FileAccess access) {
    return File::open(path, access);
}

}  // namespace

// A line for each kind of files, the preferred one first.
Result<CheckpointFile> open_checkpoint(const fs::path& folder, FileAccess access) {
    struct Kind {
        std::string_view name;
        Result<CheckpointFile> (*open)(const fs::path& path, FileAccess access);
    };
    constexpr Kind kKinds[] = {
        {"model.safetensors", open_as<SafetensorsFile>},
        {"model.safetensors.index.json", open_as<SafetensorsFile>},
        {"pytorch_model.bin", open_as<TorchFile>},
        {"pytorch_model.bin.index.json", open_as<TorchFile>},
        {"consolidated.safetensors", open_as<SafetensorsFile>},
    };
    std::string names;
    for (const Kind& kind : kKinds) {
        KRAIT_TRY(const std::optional<fs::path> path, find_file(folder, kind.name));
        if (path) return kind.open(*path, access);
        names += fmt::format("{}{}", names.empty() ? "" : ", ", kind.name);
    }
    return fail(ErrorCode::not_found, "{}: there are no weights: none of {}", folder.string(), names);
}

std::optional<DType> weight_type(CheckpointType type) {
    switch (type) {
        case CheckpointType::f32: return DType::F32;
        case CheckpointType::f16: return DType::F16;
        case CheckpointType::bf16: return DType::BF16;
        default: return std::nullopt;
    }
}

}  // namespace krait::huggingface
