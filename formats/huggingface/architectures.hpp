// SPDX-License-Identifier: Apache-2.0
//
// The kinds of checkpoints that Krait reads, as data: a table each, of settings (names in config.json to keys of GGUF) and of
// tensors (their names to GGUF's, and how their values are converted). A new kind is a table more; those of hybrids lie in
// hybrids/. The few facts that are no table (which layer is what, settings that depend on each other) are functions beside it.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "formats/factor_range.hpp"

namespace krait::huggingface {

class Config;
struct ModelFacts;

// Sizes that are known so far, by GGUF's keys without the architecture: "ssm.inner_size".
using Sizes = std::map<std::string, int64_t, std::less<>>;

struct SizeRule {
    std::string_view key;                         // GGUF's, behind "mamba."; one that begins with '.' is for other rules only
    std::array<std::string_view, 4> names;        // in config.json; empty ones do not count
    int64_t (*fallback)(const Sizes&) = nullptr;  // where config.json has none of them, or "auto"; null: an error
    int64_t min = 1;
};

// A factor or another real number.
struct NumberRule {
    std::string_view key;  // as in SizeRule
    std::array<std::string_view, 2> names;
    double fallback = 1;
    double min = kMinFactor, max = kMaxFactor;
};

// A setting without which results would be others.
struct SwitchRule {
    std::array<std::string_view, 3> names;
    bool wanted;
    std::string_view why;  // the other is not supported, for messages: "norms are RMS norms here"
};
struct WordRule {
    std::string_view name;
    std::array<std::string_view, 2> wanted;
};

enum class Values : uint8_t {
    as_they_are,  // the type of the file stays: matrices
    float32,      // what is small and meets every value
    minus_exp,    // float32, -exp(x): A of log(-A)
};
enum class Shape : uint8_t {
    as_it_is,
    without_middle,  // [I, 1, K] -> [I, K]
    column,          // [H] -> [H, 1]
    groups,          // [I] -> [G, I / G], G = ssm.group_count
    experts,         // [E, N, K], of one tensor or of one [N, K] for each expert
};
// When a tensor has to be there. Those between the first and the last are told by a setting (FlagRule).
enum class Presence : uint8_t {
    always,
    with_bias,
    with_conv_bias,
    with_attention_bias,
    with_mlp_bias,
    with_gated_norm,
    with_expert_bias,
    with_attention_adapters,
    with_head_apart,  // an untied copy of the embedding as the head: tied in the checkpoint, but their factors differ
    untied,
};
struct FlagRule {
    Presence presence;
    std::array<std::string_view, 3> names;
    bool fallback;
};

// Factors that a checkpoint keeps apart from its weights and that are worked into them.
enum class Factors : uint8_t {
    none,
    one,           // the rows all have one
    in_projection  // the rows of z, x, B, C and dt have one each: the numbers ".z", ".x", ".b", ".c" and ".dt"
};

struct TensorRule {
    // Behind the group's prefix. "{}" stands for the number of an expert.
    std::string_view theirs;
    std::string_view ours;  // of a layer: without "blk.N."
    Values values = Values::float32;
    Shape shape = Shape::as_it_is;
    Presence presence = Presence::always;
    int32_t part = 0, parts = 1;  // of the rows, of each expert where there are several: the second half is {1, 2}
    bool permuted = false;        // llama.cpp's permute of queries and keys: rows of a head from halves to neighbours
    Factors factors = Factors::none;
    std::array<std::string_view, 2> numbers = {};  // whose product is the factor
};

// The parts of a layer, as bits.
using LayerParts = uint32_t;
enum LayerPart : LayerParts {
    kAnyLayer = 0,
    kMamba = 1,
    kAttention = 2,
    kShortConv = 4,
    kMlp = 8,
    kExperts = 16,
    kSharedExpert = 32,
    kLatent = 64,        // experts work in fewer dimensions
    kSharedBlock = 128,  // the layer uses one of the blocks that several layers share
    kBlock = 256,        // no layer, but such a block
};

// Tensors of the layers that have all of these parts. Two rules for one tensor of ours are two names for it: one of them has to
// be there.
struct TensorGroup {
    std::string_view prefix;
    std::span<const TensorRule> rules;
    LayerParts parts = kAnyLayer;
};

// Where a tensor belongs.
struct Place {
    int64_t layer = -1;    // -1: none; from the number of layers on: the blocks that layers share
    std::string rest;      // of the name, with "{}" for the number of an expert
    int64_t expert = -1;   // -1: of no single expert
    bool is_copy = false;  // of a tensor that has to be there once
};

struct Architecture {
    std::string_view title;                     // for people: "Falcon-Mamba"
    std::string_view model_type;                // in config.json: "falcon_mamba"
    std::span<const std::string_view> classes;  // in "architectures", where there is no model_type
    std::string_view ours;                      // general.architecture
    std::span<const SizeRule> sizes;
    std::span<const TensorGroup> groups;
    std::span<const TensorRule> global_tensors;
    std::string_view prefix;  // of names, in messages: "backbone."
    std::span<const FlagRule> flags;
    std::span<const SwitchRule> switches;
    std::span<const WordRule> words;
    int64_t n_group_default = 0;  // of Mamba-2; 0: ssm.group_count is a size like others
    bool is_tied_by_default = true;
    bool norms_dt_b_c = false;  // Falcon-Mamba: mixer_rms_eps is that of these norms
    std::span<const NumberRule> numbers = {};
    // Null: every layer has all groups, and nothing attends.
    Result<std::vector<LayerParts>> (*read_layers)(const Config& config, const ModelFacts& facts) = nullptr;
    // Checks what belongs together, and adds keys that follow no rule (ModelFacts::entries).
    Result<void> (*finish)(const Config& config, ModelFacts& facts) = nullptr;
    void (*relocate)(const ModelFacts& facts, Place& place) = nullptr;  // for names that say another layer than they mean
    std::string_view dropped = {};  // names that begin with this are of no use: prediction of further tokens
    double eps_default = 1e-5;      // of norms
};

std::span<const Architecture* const> architectures();

// ---- for tables ----

inline int64_t at(const Sizes& sizes, std::string_view key) { return sizes.find(key)->second; }
template <int64_t N>
int64_t constant(const Sizes&) {
    return N;
}

}  // namespace krait::huggingface
