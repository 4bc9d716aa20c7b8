// SPDX-License-Identifier: Apache-2.0
//
// The weights of a folder as they lie there, whatever the files are.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/tensor/dtype.hpp"
#include "formats/data_file.hpp"

namespace krait::huggingface {

struct CheckpointTensor {
    std::string name;
    std::optional<DType> dtype;  // nullopt: a type that no weight has
    std::string type_name;       // as the file writes it
    std::vector<int64_t> extents;
    uint32_t file = 0;           // Checkpoint::file_name
    uint64_t record_offset = 0;  // where it is described, for complaints
    uint64_t file_offset = 0;
    uint64_t size = 0;
    std::span<const std::byte> bytes;  // in a mapping, aligned to nothing; none in a file that is read
};

class Checkpoint {
  public:
    virtual ~Checkpoint() = default;
    [[nodiscard]] const std::vector<CheckpointTensor>& tensors() const { return tensors_; }
    [[nodiscard]] virtual size_t file_count() const = 0;
    [[nodiscard]] virtual const std::string& file_name(size_t file) const = 0;
    [[nodiscard]] virtual uint64_t file_size() const = 0;  // of all
    virtual Result<void> read_part(size_t tensor, uint64_t offset, std::span<std::byte> out) const = 0;
    virtual void will_read(size_t tensor) const = 0;
    virtual void will_not_read(size_t tensor) const = 0;
    virtual void release_pages() const = 0;

  protected:
    std::vector<CheckpointTensor> tensors_;
};

// model.safetensors, or the shards of model.safetensors.index.json.
Result<std::unique_ptr<Checkpoint>> open_checkpoint(const std::filesystem::path& folder, FileAccess access);

}  // namespace krait::huggingface
