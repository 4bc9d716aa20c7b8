// SPDX-License-Identifier: Apache-2.0
//
// How a model's files are opened (open_model.hpp).
#pragma once

#include "formats/data_file.hpp"

namespace krait {

struct OpenOptions {
    FileAccess access = FileAccess::mapped;
    // Instead of the model's own tokenizer: a folder with a tokenizer, or its file.
    std::filesystem::path tokenizer = {};
};

}  // namespace krait
