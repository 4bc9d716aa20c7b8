// SPDX-License-Identifier: Apache-2.0
//
// The kinds of checkpoints that Krait reads, as data: a table each, of settings (names in config.json to keys of GGUF) and of
// tensors (their names to GGUF's, and how their values are converted). A new kind is a table more.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace krait::huggingface {

// Sizes that are known so far, by GGUF's keys without the architecture: "ssm.inner_size".
using Sizes = std::map<std::string, int64_t, std::less<>>;

struct SizeRule {
    std::string_view key;                         // GGUF's, behind "mamba."; one that begins with '.' is only for fallbacks
    std::array<std::string_view, 4> names;        // in config.json; empty ones do not count
    int64_t (*fallback)(const Sizes&) = nullptr;  // where config.json has none of them, or "auto"; null: an error
};

// A setting without which results would be others.
struct SwitchRule {
    std::array<std::string_view, 3> names;
    bool wanted;
    std::string_view why;  // not, for messages: "norms are RMS norms here"
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
};
// When a tensor has to be there.
enum class Presence : uint8_t { always, with_bias, with_conv_bias, untied };

struct TensorRule {
    std::string_view theirs;  // of a layer: without "backbone.layers.N."; some checkpoints leave "mixer." out
    std::string_view ours;    // of a layer: without "blk.N."
    Values values = Values::float32;
    Shape shape = Shape::as_it_is;
    Presence presence = Presence::always;
};

struct Architecture {
    std::string_view title;                     // for people: "Falcon-Mamba"
    std::string_view model_type;                // in config.json: "falcon_mamba"
    std::span<const std::string_view> classes;  // in "architectures", where there is no model_type
    std::string_view ours;                      // general.architecture
    std::span<const SizeRule> sizes;
    std::span<const TensorRule> layer_tensors;
    int64_t n_group_default = 0;  // 0: there are no groups
    bool is_tied_by_default = true;
    bool norms_dt_b_c = false;  // Falcon-Mamba: mixer_rms_eps is that of these norms
};

std::span<const Architecture> architectures();
std::span<const TensorRule> global_tensors();  // of every kind, without "backbone."
std::span<const SwitchRule> switches();        // of every kind

}  // namespace krait::huggingface
