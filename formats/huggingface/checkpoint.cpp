// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/checkpoint.hpp"

#include "formats/huggingface/folder_files.hpp"
#include "formats/safetensors/safetensors_file.hpp"

namespace krait::huggingface {
namespace {

namespace fs = std::filesystem;

std::optional<DType> dtype_of(CheckpointType type) {
    switch (type) {
        case CheckpointType::f32: return DType::F32;
        case CheckpointType::f16: return DType::F16;
        case CheckpointType::bf16: return DType::BF16;
        default: return std::nullopt;
    }
}

// Of any file with the face of SafetensorsFile.
template <class File>
class CheckpointOf final : public Checkpoint {
  public:
    explicit CheckpointOf(File file) : file_(std::move(file)) {
        for (const auto& t : file_.tensors())
            tensors_.push_back({t.name, dtype_of(t.type), std::string(checkpoint_type_name(t.type)), t.extents, t.shard,
                                t.record_offset, t.file_offset, t.size, t.bytes});
    }
    size_t file_count() const override { return file_.shards().size(); }
    const std::string& file_name(size_t file) const override { return file_.shards()[file].name(); }
    uint64_t file_size() const override { return file_.file_size(); }
    Result<void> read_part(size_t tensor, uint64_t offset, std::span<std::byte> out) const override {
        return file_.read_part(file_.tensors()[tensor], offset, out);
    }
    void will_read(size_t tensor) const override { file_.will_read(file_.tensors()[tensor]); }
    void will_not_read(size_t tensor) const override {
        const CheckpointTensor& t = tensors_[tensor];
        file_.shards()[t.file].advise(MappedFile::Advice::dont_need, t.bytes);
    }
    void release_pages() const override { file_.release_pages(); }

  private:
    File file_;
};

Result<std::unique_ptr<Checkpoint>> open_safetensors(const fs::path& path, FileAccess access) {
    KRAIT_TRY(SafetensorsFile file, SafetensorsFile::open(path, access));
    return std::make_unique<CheckpointOf<SafetensorsFile>>(std::move(file));
}

}  // namespace

// A line for each kind of files, the preferred one first.
Result<std::unique_ptr<Checkpoint>> open_checkpoint(const fs::path& folder, FileAccess access) {
    struct Kind {
        std::string_view name;
        Result<std::unique_ptr<Checkpoint>> (*open)(const fs::path& path, FileAccess access);
    };
    constexpr Kind kKinds[] = {
        {"model.safetensors", open_safetensors},
        {"model.safetensors.index.json", open_safetensors},
    };
    for (const Kind& kind : kKinds) {
        KRAIT_TRY(const std::optional<fs::path> path, find_file(folder, kind.name));
        if (path) return kind.open(*path, access);
    }
    std::error_code ignored;
    for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json"})
        if (fs::exists(folder / name, ignored))
            return fail(ErrorCode::unsupported,
                        "{}: the weights are in {}, which Krait does not read; save them as model.safetensors", folder.string(),
                        name);
    return fail(ErrorCode::not_found, "{}: there are no weights: neither model.safetensors nor model.safetensors.index.json",
                folder.string());
}

}  // namespace krait::huggingface
