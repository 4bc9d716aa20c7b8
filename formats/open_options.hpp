// SPDX-License-Identifier: Apache-2.0
//
// How a model's files are opened (open_model.hpp).
#pragma once

#include "formats/data_file.hpp"

namespace krait {

struct OpenOptions {
    FileAccess access = FileAccess::mapped;
    std::filesystem::path tokenizer = {};  // a folder with tokenizer.json, instead of the model's own; of folders alone
};

}  // namespace krait
