// SPDX-License-Identifier: Apache-2.0
//
// Writes models with random weights: of the published sizes, or of any, in any format. They say nothing sensible, but they
// load and run like trained ones, in other engines too, so that speed can be measured without downloads.
//
// The weights are such that activations, state and logits stay of ordinary size over any length:
//   norms 1 +- 0.05, D = 1, A = -1 .. -N in every channel (Mamba-2: one number from -16 to -1 a head), bias of dt so that
//   softplus gives 0.001 .. 0.1, evenly in the logarithm; these are the initial values of Gu and Dao (2023), section 3.6, and
//   of Dao and Gu (2024). Matrices are normal with deviation 1/sqrt(row length), ssm_out also divided by sqrt(layers),
//   embedding and head 0.02.
// A matrix's rows are strung together from a pool of 4096 encoded pieces of 256 weights, drawn anew for every row. So a file
// of many gigabytes takes as long as writing it, and no two rows are alike. Every number follows from the seed, the sizes and
// the tensor's name alone; the file in format T is what quantizing the F32 file to T gives, byte for byte in its tensors.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>

#include "models/architectures/architecture.hpp"
#include "models/quantize/recipe.hpp"
#include "models/random/random_hybrid.hpp"

namespace krait {

struct SizeRange {
    int64_t min, max;
};

// The sizes that write_random_model takes.
struct RandomModelLimits {
    SizeRange n_layer{1, 1024};
    SizeRange d_model{1, 1 << 16};
    SizeRange n_vocab{258, 1 << 24};  // the bytes, and a token each for the begin and the end of a text
    SizeRange d_inner{1, 1 << 18};
    SizeRange d_state{1, 4096};
    SizeRange d_conv{2, 64};
    SizeRange dt_rank{1, 1 << 16};  // Mamba-1
    SizeRange n_head{1, 1 << 16};   // Mamba-2; has to divide d_inner
    SizeRange n_group{1, 1 << 16};  // Mamba-2; has to divide n_head
};
inline constexpr RandomModelLimits kRandomModelLimits;

struct RandomModelSizes {
    std::string name;                    // "mamba-130m"
    std::string architecture = "mamba";  // or "mamba2", or that of a hybrid
    bool dt_b_c_rms = false;             // Falcon-Mamba's norms
    bool tied_head = true;
    bool projection_biases = false;  // ssm_in.bias and ssm_out.bias, which Hugging Face calls use_bias
    int64_t n_layer = 0;
    int64_t d_model = 0;
    int64_t n_vocab = 50280;
    int64_t d_inner = 0;
    int64_t d_state = 16;
    int64_t d_conv = 4;
    int64_t dt_rank = 0;  // Mamba-1
    int64_t n_head = 0;   // Mamba-2
    int64_t n_group = 1;
    std::optional<HybridSizes> hybrid = {};  // has all sizes but n_layer and n_vocab then; of the rest d_model is that of it

    // d_model, and what the published models derive from it: d_inner, dt_rank, n_head; of a hybrid all widths.
    void set_d_model(int64_t width);
    // The layers of hybrids become fewer of each kind.
    void set_n_layer(int64_t count);
};

// "mamba-130m" and the like; the error lists all.
Result<RandomModelSizes> published_sizes(std::string_view name);
std::string published_size_names();

// The limits, and sizes that do not go with each other.
Result<void> check_sizes(const RandomModelSizes& sizes);
// For sizes that hold. In the order of a GGUF file.
std::vector<WeightSpec> weights_of(const RandomModelSizes& sizes);
int64_t count_weights(const RandomModelSizes& sizes);

struct RandomModelOptions {
    RandomModelSizes sizes;
    QuantizeScheme scheme;
    uint64_t seed = 0;
    int threads = 0;  // 0 = all
    const std::atomic<bool>* cancel = nullptr;
    std::function<void(uint64_t done, uint64_t total)> progress;  // bytes of tensors
};

struct RandomModelReport {
    int64_t n_weight = 0;
    uint64_t tensor_bytes = 0, file_bytes = 0;
    std::vector<std::string> fallbacks;  // "ssm_dt.weight is F16: rows of 48 are no whole blocks of Q8_0", one for each kind
};

// Memory stays near 20 MiB whatever the size. An error about sizes names the one that is wrong; the file is whole or absent.
Result<RandomModelReport> write_random_model(const std::filesystem::path& target, const RandomModelOptions& options);

}  // namespace krait
