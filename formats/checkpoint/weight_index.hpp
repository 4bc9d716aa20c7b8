// SPDX-License-Identifier: Apache-2.0
//
// model.safetensors.index.json and pytorch_model.bin.index.json: which shard has which tensor. Errors name the file and the
// byte.
//   {"metadata": {"total_size": 123}, "weight_map": {"backbone.norm_f.weight": "model-00002-of-00002.safetensors"}}
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

class WeightIndex {
  public:
    struct Entry {
        std::string tensor;
        uint32_t file = 0;  // an index of files()
        uint64_t at = 0;    // byte of its name
    };

    static Result<WeightIndex> open(const std::filesystem::path& path);
    static Result<WeightIndex> parse(std::string_view text, const std::filesystem::path& path);

    [[nodiscard]] std::span<const std::string> files() const { return files_; }  // plain names, in the order of their names
    [[nodiscard]] std::span<const Entry> tensors() const { return tensors_; }
    [[nodiscard]] std::filesystem::path path_of(const std::string& file) const { return path_.parent_path() / file; }

    // Whether all files are there, and lie in the folder of the index. Links are followed; one that leads out of the folder is
    // refused, except to where the index itself is a link to: a cache of downloads keeps all files of a model at one place.
    Result<void> check_files() const;

  private:
    std::filesystem::path path_;
    std::vector<std::string> files_;
    std::vector<Entry> tensors_;
};

}  // namespace krait
