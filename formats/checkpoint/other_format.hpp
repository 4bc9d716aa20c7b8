// SPDX-License-Identifier: Apache-2.0
//
// The format that the first bytes of a file tell, for the error of a reader that expected something else.
#pragma once

#include <string_view>

#include "formats/data_file.hpp"

namespace krait {

enum class FileFormat { gguf, safetensors, zip, pickle, tar, json, other };

// Begins with "; it is ..." and says what to do, to go behind a sentence; empty where the file is of the format that is
// expected, or of none that is known here.
Result<std::string_view> other_format(const DataFile& file, FileFormat expected);

}  // namespace krait
