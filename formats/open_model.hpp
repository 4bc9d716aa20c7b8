// SPDX-License-Identifier: Apache-2.0
//
// A model by its path, whatever it lies in: a GGUF file or a shard of one (gguf/gguf_reader.hpp), or a folder of Hugging Face's
// (huggingface/folder.hpp); or a GGUF file that is in memory. All of them with the tokenizer of the options, if these name one.
#pragma once

#include "formats/model_source.hpp"
#include "formats/open_options.hpp"

namespace krait {

Result<std::unique_ptr<ModelSource>> open_model(const std::filesystem::path& path, const OpenOptions& options = {});
// Borrows the bytes, which must outlive the source; name stands for the file in messages. access of the options is not looked
// at.
Result<std::unique_ptr<ModelSource>> open_model(std::span<const std::byte> gguf, std::string name,
                                                const OpenOptions& options = {});

}  // namespace krait
