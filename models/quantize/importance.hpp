// SPDX-License-Identifier: Apache-2.0
//
// How much the error of each weight matters: for every matrix, the mean square of the activation that each of its columns meets
// while the model reads a text. A product y = W x has the expected squared error sum (W - W')^2 E[x^2], if the x are
// uncorrelated, so E[x^2] is what quantizing weighs its errors with.
//
// The file is GGUF: general.type "imatrix", and for each matrix of the model two F32 tensors, the sum of squares by column
// ("<name>.in_sum2") and the number of rows that were summed ("<name>.counts"), both by matrix where it has those of several
// experts. llama.cpp reads and writes the same.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "formats/model_source.hpp"

namespace krait {

class ImportanceMatrix {
  public:
    struct Entry {
        std::vector<float> mean_square;  // by column of the matrix; of those of experts one after the other
        std::vector<double> n_row;       // activations that were looked at, by matrix
    };

    // A file that krait imatrix wrote. An error says what is wrong with it.
    static Result<ImportanceMatrix> open(const std::filesystem::path& path);
    // The file is whole or absent. text_name: where the text came from; chunk_size, n_chunk: the runs that read it, in tokens.
    Result<void> save(const std::filesystem::path& path, const std::string& text_name, int64_t chunk_size,
                      int64_t n_chunk) const;

    // Fails where it was made of another model: an entry without a tensor, or of another width, or a layer's matrix without an
    // entry.
    Result<void> check(const ModelSource& model) const;

    void set(const std::string& tensor, Entry entry) { entries_[tensor] = std::move(entry); }
    const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
    // By column of a matrix of that tensor. Empty where there is none, or nothing was looked at: no row went to that expert.
    std::span<const float> of(std::string_view tensor, int64_t matrix = 0) const;
    const std::string& name() const { return name_; }

  private:
    std::string name_;  // for messages
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace krait
