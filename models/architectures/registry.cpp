// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/registry.hpp"

#include <algorithm>

#include "models/architectures/falcon_h1.hpp"
#include "models/architectures/granite_hybrid.hpp"
#include "models/architectures/jamba.hpp"
#include "models/architectures/lfm2.hpp"
#include "models/architectures/mamba.hpp"
#include "models/architectures/mamba2.hpp"
#include "models/architectures/nemotron_h.hpp"
#include "models/architectures/unsupported_settings.hpp"
#include "models/architectures/zamba2.hpp"
#include "models/loading/unread_tensors.hpp"

namespace krait {
namespace {

constexpr std::string_view kGraniteScales[] = {"embedding_scale", "residual_scale", "logit_scale"};

// A line for each.
constexpr ArchitectureEntry kArchitectures[] = {
    {"falcon-h1", create_falcon_h1},
    {"granitehybrid", create_granite_hybrid, "Granite 4.0 H, Bamba", kGraniteScales},
    {"jamba", create_jamba},
    {"lfm2", create_lfm2},
    {"lfm2moe", create_lfm2},
    {"mamba", create_mamba, "Falcon-Mamba too"},
    {"mamba2", create_mamba2},
    {"nemotron_h", create_nemotron_h},
    {"nemotron_h_moe", create_nemotron_h, "Nemotron 3"},
    {"zamba2", create_zamba2},
};

std::string names_of(std::span<const ArchitectureEntry> known) {
    std::string names;
    for (const ArchitectureEntry& entry : known) {
        names += fmt::format("{}'{}'", names.empty() ? "" : ", ", entry.name);
        if (!entry.note.empty()) names += fmt::format(" ({})", entry.note);
    }
    return names;
}

// Names tell the weights and memories of a layer apart: two mixers with a memory of one name would write into each other's.
Result<void> check_layers(const Architecture& architecture) {
    if (architecture.n_planned_layers() != architecture.shape().n_layer)
        return fail(ErrorCode::internal, "the architecture '{}' plans {} layers, the file has {}",
                    architecture.shape().architecture, architecture.n_planned_layers(), architecture.shape().n_layer);
    for (int64_t i = 0; i < architecture.shape().n_layer; ++i) {
        std::vector<std::string_view> weights, memories;
        for (const WeightSpec& spec : architecture.layer(i).weights) weights.push_back(spec.name);
        for (const MemorySpec& spec : architecture.layer(i).memories) {
            memories.push_back(spec.name);
            if (spec.name.empty() || spec.name.size() > kMaxMemoryName || spec.ops.empty())
                return fail(
                    ErrorCode::internal,
                    "the architecture '{}' has a memory '{}' in layer {}: it needs a name of 1 to {} bytes and an operator",
                    architecture.shape().architecture, spec.name, i, kMaxMemoryName);
        }
        for (auto* names : {&weights, &memories}) {
            std::sort(names->begin(), names->end());
            if (const auto twice = std::adjacent_find(names->begin(), names->end()); twice != names->end())
                return fail(ErrorCode::internal,
                            "the architecture '{}' has two {} called '{}' in layer {}; each needs a name of its own",
                            architecture.shape().architecture, names == &weights ? "weights" : "memories", *twice, i);
        }
    }
    return {};
}

}  // namespace

std::span<const ArchitectureEntry> known_architectures() { return kArchitectures; }

Result<Architecture> create_architecture(const ModelSource& file, std::span<const ArchitectureEntry> known, DType cache) {
    KRAIT_TRY(const std::string_view name, file.get_string("general.architecture"));
    const auto entry = std::find_if(known.begin(), known.end(), [&](const ArchitectureEntry& e) { return e.name == name; });
    if (entry == known.end())
        return fail(ErrorCode::unsupported, "{}: the architecture {} is not supported; known are {}", file.name(),
                    quote_name(name), names_of(known));
    KRAIT_TRY(ModelShape shape, read_shape(file, name));
    shape.cache = cache;
    KRAIT_CHECK(refuse_unsupported_settings(file, name, entry->scales));
    KRAIT_TRY(Architecture architecture, entry->create(file, std::move(shape)));
    KRAIT_CHECK(check_layers(architecture));
    KRAIT_CHECK(describe_weights(file, architecture.weights()));
    KRAIT_CHECK(refuse_unread_tensors(file, name, architecture.shape().n_layer, architecture.weights()));
    return architecture;
}

}  // namespace krait
