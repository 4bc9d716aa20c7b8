// SPDX-License-Identifier: Apache-2.0
//
// The architectures that Krait knows, by the name that files give in general.architecture, and the way from a file to one of
// them.
#pragma once

#include "models/architectures/metadata.hpp"

namespace krait {

struct ArchitectureEntry {
    std::string_view name;  // general.architecture
    // Reads the sizes of its own and makes the plans; sizes that contradict each other are an error. Tensors are checked
    // afterwards.
    Result<Architecture> (*create)(const ModelSource& file, ModelShape shape);
    std::string_view note = {};                     // for messages: "Falcon-Mamba too"
    std::span<const std::string_view> scales = {};  // the keys "*_scale" that create() reads (unsupported_settings.hpp)
};
std::span<const ArchitectureEntry> known_architectures();

// The architecture of a file, checked: metadata against tensors, where an error names the key or the tensor. A file with
// weights that the architecture has no place for is refused (models/loading/unread_tensors.hpp). An unknown name is an error
// that lists those of `known`. cache: the type of keys and values.
Result<Architecture> create_architecture(const ModelSource& file,
                                         std::span<const ArchitectureEntry> known = known_architectures(),
                                         DType cache = DType::F16);

}  // namespace krait
