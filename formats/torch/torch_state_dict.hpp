// SPDX-License-Identifier: Apache-2.0
//
// From the pickle of an archive to its tensors: which dict is the state dict, and whether every tensor lies inside of its
// storage. Private to the reader of PyTorch's archives.
#pragma once

#include "formats/checkpoint/checkpoint_file.hpp"
#include "formats/torch/pickle_reader.hpp"
#include "formats/torch/zip_directory.hpp"

namespace krait {

// entries: of the archive that the pickle comes from; root: the folder that all of them lie in. Tensors come in the order of
// their data; tied ones share it. Errors name the file, the tensor and the byte.
Result<std::vector<CheckpointTensor>> read_state_dict(const Pickle& pickle, const DataFile& file,
                                                      std::span<const ZipEntry> entries, std::string_view root);

}  // namespace krait
