// SPDX-License-Identifier: Apache-2.0
//
// Reading the sizes of mixers from a file, for architectures that share them. Keys are "<architecture>.<name>"; errors name the
// key, its place in the file, and the layer.
#pragma once

#include "models/architectures/metadata.hpp"
#include "models/layers/attention_mixer.hpp"
#include "models/layers/expert_mixer.hpp"
#include "models/layers/mamba2_mixer.hpp"

namespace krait {

// How experts of an architecture are chosen.
struct ExpertRules {
    ops::ExpertGate gate = ops::ExpertGate::softmax;
    std::optional<bool> normalizes = {};  // whether the weights of a row sum to 1; nullopt: the file says so
};

class LayerMetadata {
  public:
    LayerMetadata(const ModelSource& file, const ModelShape& shape) : file_(file), shape_(shape) {}

    const ModelSource& file() const { return file_; }
    std::string key(std::string_view name) const { return fmt::format("{}.{}", shape_.architecture, name); }
    bool has(std::string_view name) const { return file_.has(key(name)); }
    // Whether layer i has that tensor: "ffn_gate_inp.weight".
    bool has_tensor(int64_t layer, std::string_view name) const;

    Result<int64_t> size(std::string_view name) const { return read_size(file_, key(name)); }
    // fallback where the key is absent, 0 where it says 0.
    Result<int64_t> size_or(std::string_view name, int64_t fallback) const;
    // A factor (formats/factor_range.hpp); fallback where the key is absent or says 0, as files do for no factor.
    Result<float> factor(std::string_view name, float fallback) const;
    // One number for all layers, or an array with one for each, 0 or more. fallback where the key is absent; without one it
    // must be there.
    Result<std::vector<int64_t>> per_layer(std::string_view name, std::optional<int64_t> fallback = {}) const;

    // "ssm.*" of Mamba-2.
    Result<Mamba2Sizes> mamba2() const;
    // Heads of one layer with the sizes that all layers share; n_kv_head > 0.
    Result<AttentionSizes> attention(int64_t layer, int64_t n_head, int64_t n_kv_head) const;
    // "rope.*": how heads of k_dim elements turn.
    Result<ops::RopeParams> rope(int64_t k_dim, ops::RopePairing pairing) const;
    // "expert_*": counts, groups, scale and normalization. n_expert is 0 where there are no experts. A file that asks for
    // another gate or another normalization than the architecture has is refused.
    Result<ExpertSizes> experts(const ExpertRules& rules) const;

    // A mistake in the value of a key.
    template <class... Args>
    tl::unexpected<Error> corrupt(std::string_view name, fmt::format_string<Args...> text, Args&&... args) const {
        return fail(ErrorCode::corrupt_file, "{}: '{}' {}: {}", file_.name(), key(name), place_of(name),
                    fmt::format(text, std::forward<Args>(args)...));
    }

    // A value that the architecture's layers do not have.
    template <class... Args>
    tl::unexpected<Error> unsupported(std::string_view name, fmt::format_string<Args...> text, Args&&... args) const {
        return fail(ErrorCode::unsupported, "{}: '{}' {} is {}", file_.name(), key(name), place_of(name),
                    fmt::format(text, std::forward<Args>(args)...));
    }

  private:
    std::string place_of(std::string_view name) const;  // "at byte 120"
    // A file may lack the key where the fallback is a number in the range.
    Result<float> number(std::string_view name, std::optional<float> fallback, double min, double max) const;
    Result<void> expect_tensors_of_experts(int64_t n_expert) const;

    const ModelSource& file_;
    const ModelShape& shape_;
};

}  // namespace krait
