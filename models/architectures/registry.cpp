// SPDX-License-Identifier: Apache-2.0
#include "models/architectures/registry.hpp"

#include <algorithm>

#include "models/architectures/mamba.hpp"
#include "models/architectures/mamba2.hpp"
#include "models/loading/unread_tensors.hpp"

namespace krait {
namespace {

// A line for each.
constexpr ArchitectureEntry kArchitectures[] = {
    {"mamba", create_mamba, "Falcon-Mamba too"},
    {"mamba2", create_mamba2},
};

std::string names_of(std::span<const ArchitectureEntry> known) {
    std::string names;
    for (const ArchitectureEntry& entry : known) {
        names += fmt::format("{}'{}'", names.empty() ? "" : ", ", entry.name);
        if (!entry.note.empty()) names += fmt::format(" ({})", entry.note);
    }
    return names;
}

}  // namespace

std::span<const ArchitectureEntry> known_architectures() { return kArchitectures; }

Result<Architecture> create_architecture(const GgufFile& file, std::span<const ArchitectureEntry> known) {
    KRAIT_TRY(const std::string_view name, file.get_string("general.architecture"));
    const auto entry = std::find_if(known.begin(), known.end(), [&](const ArchitectureEntry& e) { return e.name == name; });
    if (entry == known.end())
        return fail(ErrorCode::unsupported, "{}: the architecture {} is not supported; known are {}", file.name(),
                    quote_name(name), names_of(known));
    KRAIT_TRY(ModelShape shape, read_shape(file, name));
    KRAIT_TRY(Architecture architecture, entry->create(file, std::move(shape)));
    KRAIT_CHECK(describe_weights(file, architecture.weights()));
    KRAIT_CHECK(refuse_unread_tensors(file, name, architecture.shape().n_layer, architecture.weights()));
    return architecture;
}

}  // namespace krait
