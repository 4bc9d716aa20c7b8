// SPDX-License-Identifier: Apache-2.0
//
// A model by its path, whatever it lies in: a GGUF file or a shard of one (gguf/gguf_reader.hpp), or a folder of Hugging Face's
// (huggingface/folder.hpp).
#pragma once

#include "formats/model_source.hpp"
#include "formats/open_options.hpp"

namespace krait {

Result<std::unique_ptr<ModelSource>> open_model(const std::filesystem::path& path, const OpenOptions& options = {});

}  // namespace krait
