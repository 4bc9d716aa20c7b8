// SPDX-License-Identifier: Apache-2.0
//
// The header of a safetensors file: what stands in front of the data of tensors. Private to the reader.
#pragma once

#include <utility>

#include "formats/data_file.hpp"
#include "formats/safetensors/safetensors_types.hpp"

namespace krait {

struct SafetensorsHeader {
    std::vector<std::pair<std::string, std::string>> metadata;
    std::vector<SafetensorsTensor> tensors;  // in the order of their data, which has been checked
};

Result<SafetensorsHeader> read_safetensors_header(const DataFile& file);

}  // namespace krait
