// SPDX-License-Identifier: Apache-2.0
//
// One GGUF file made into another whose matrices have other formats. The recipe (recipe.hpp) chooses the formats, encode_row
// (core/quant/codec.hpp) the numbers. Everything else is carried over: all metadata but general.file_type and
// general.quantization_version, which say what the new file is; tensors in their order; those that keep their format bit by
// bit. Rows are made by several threads; memory stays near 10 MiB beside the mapped file, whatever its size.
#pragma once

#include "models/quantize/importance.hpp"
#include "models/quantize/recipe.hpp"
#include "models/quantize/write_rows.hpp"

namespace krait {

struct QuantizeOptions {
    QuantizeScheme scheme;
    const ImportanceMatrix* importance = nullptr;  // borrowed; null = every weight of a row matters alike
    bool force = false;                            // take a file that is quantized already, and weights that are not finite
    int threads = 0;                               // 0 = all
    const std::atomic<bool>* cancel = nullptr;
    std::function<void(uint64_t done, uint64_t total)> progress;  // weights
};

// The tensors of one kind ("ssm_in.weight") that went from one format to another.
struct QuantizedKind {
    std::string kind;
    DType from{}, to{};
    std::string why;
    bool weighted = false;  // by importance
    int64_t n_tensor = 0, n_weight = 0;
    uint64_t bytes = 0;  // in the new file
};

struct QuantizeReport {
    std::vector<QuantizedKind> kinds;  // in the order of the file
    int64_t n_weight = 0;
    uint64_t tensor_bytes_before = 0, tensor_bytes = 0;
    uint64_t file_bytes_before = 0, file_bytes = 0;
};

// Fails for a file that is quantized already (unless forced), for importance of another model, for weights that are not finite
// (unless forced) or that F16 cannot hold, and for whatever the disk says. The target is then as it was.
Result<QuantizeReport> quantize_file(const ModelSource& in, const std::filesystem::path& target,
                                     const QuantizeOptions& options);

}  // namespace krait
