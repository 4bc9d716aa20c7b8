// SPDX-License-Identifier: Apache-2.0
#include "formats/open_model.hpp"

#include "formats/gguf/gguf_reader.hpp"
#include "formats/huggingface/folder.hpp"

namespace krait {

namespace fs = std::filesystem;

static Result<std::unique_ptr<ModelSource>> with_tokenizer(GgufFile file, const fs::path& tokenizer) {
    if (!tokenizer.empty()) {
        const GgufTensor* embedding = file.find_tensor("token_embd.weight");
        std::vector<std::string> warnings;
        KRAIT_TRY(auto entries,
                  huggingface::read_tokenizer({tokenizer, nullptr, embedding ? embedding->desc.extent[0] : 0}, warnings));
        file.replace_tokenizer(std::move(entries), std::move(warnings));
    }
    return std::make_unique<GgufFile>(std::move(file));
}

Result<std::unique_ptr<ModelSource>> open_model(const fs::path& path, const OpenOptions& options) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return huggingface::Folder::open(path, options);
    for (const char* extension : {".safetensors", ".json", ".bin"})
        if (path.extension() == extension && fs::exists(path.parent_path() / "config.json", ignored))
            return fail(ErrorCode::invalid_argument, "{}: this is a file of a folder that is a model; name the folder",
                        path.string());
    KRAIT_TRY(GgufFile file, GgufFile::open(path, options.access));
    return with_tokenizer(std::move(file), options.tokenizer);
}

Result<std::unique_ptr<ModelSource>> open_model(std::span<const std::byte> gguf, std::string name, const OpenOptions& options) {
    KRAIT_TRY(GgufFile file, GgufFile::parse(gguf, std::move(name)));
    return with_tokenizer(std::move(file), options.tokenizer);
}

}  // namespace krait
