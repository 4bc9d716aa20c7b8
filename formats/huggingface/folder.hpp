// SPDX-License-Identifier: Apache-2.0
//
// A folder as Hugging Face has them, read as a model of GGUF's names: config.json, weights in safetensors or in PyTorch's
// archives, and a tokenizer where there is one. Names and shapes come from a table for each kind of model (architectures.hpp).
// Matrices keep their type; all else is F32. Tensors are converted when they are read, one at a time; one that needs no
// conversion, has no strides and is aligned in a mapped file is read in place.
//
// Nothing outside of the folder is read, but for links as folder_files.hpp allows them.
#pragma once

#include "formats/huggingface/tensor_map.hpp"
#include "formats/huggingface/tokenizer.hpp"
#include "formats/model_source.hpp"
#include "formats/open_options.hpp"

namespace krait::huggingface {

class Folder final : public ModelSource {
  public:
    static Result<std::unique_ptr<ModelSource>> open(const std::filesystem::path& path, const OpenOptions& options);

    [[nodiscard]] const std::string& name() const override { return name_; }
    [[nodiscard]] size_t file_count() const override { return checkpoint_.shards().size(); }
    [[nodiscard]] const std::string& file_name(size_t file) const override { return checkpoint_.shards()[file].name(); }
    [[nodiscard]] uint64_t file_size() const override { return checkpoint_.file_size(); }
    [[nodiscard]] uint32_t version() const override { return 0; }
    [[nodiscard]] std::string origin_of(const GgufTensor& tensor) const override;
    [[nodiscard]] std::vector<std::span<const std::byte>> descriptions() const override;
    [[nodiscard]] const Error* why_no_tokenizer() const override { return why_no_tokenizer_ ? &*why_no_tokenizer_ : nullptr; }

    Result<void> read_part(const GgufTensor& tensor, uint64_t offset, std::span<std::byte> out) const override;
    void will_read(const GgufTensor& tensor) const override;
    void will_not_read(const GgufTensor& tensor) const override;
    void release_pages() const override { checkpoint_.release_pages(); }

  private:
    // From a tensor to the checkpoint's.
    struct Part {
        std::vector<Run> runs;
        Values values = Values::as_they_are;
        DType stored = DType::F32;
        bool is_as_stored = false;
    };
    const Part& part_of(const GgufTensor& tensor) const { return parts_[tensor_index_.at(tensor.name)]; }
    // The first of the tensors that it is made of.
    [[nodiscard]] const CheckpointTensor& stored_of(const Part& part) const {
        return checkpoint_.tensors()[part.runs[0].source];
    }
    // Elements from `first` on, as many as fit into `out`, in the type that they have here.
    Result<void> read_elements(const Part& part, DType dtype, int64_t first, std::span<std::byte> out) const;
    void take(std::vector<MappedTensor> mapped);
    void add_tokenizer(const TokenizerFiles& files);
    void describe();

    std::string name_, description_;
    std::optional<Error> why_no_tokenizer_;
    CheckpointFile checkpoint_;
    std::vector<Part> parts_;  // by tensor
};

}  // namespace krait::huggingface
