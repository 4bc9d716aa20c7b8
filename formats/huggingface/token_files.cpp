// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/token_files.hpp"

#include <algorithm>

#include "formats/huggingface/folder_files.hpp"
#include "formats/huggingface/plamo_vocabulary.hpp"
#include "formats/huggingface/rwkv_vocabulary.hpp"
#include "formats/huggingface/sentencepiece_model.hpp"
#include "formats/huggingface/tokenizer_json.hpp"

namespace krait::huggingface {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTokenizerFiles = "tokenizer.json, tokenizer.model, rwkv_vocab*.txt or tokenizer.jsonl";

Result<TokenizerParts> read_one(const fs::path& file) {
    const fs::path extension = file.extension();
    if (extension == ".gguf")
        return fail(ErrorCode::invalid_argument, "{} is a GGUF file; a tokenizer is read from a folder, {}", file.string(),
                    kTokenizerFiles);
    if (extension == ".json") return read_tokenizer_json(file);
    if (extension == ".jsonl") return read_plamo_vocabulary(file);
    if (extension == ".txt") return read_rwkv_vocabulary(file);
    return read_sentencepiece_model(file);
}

// The name of RWKV's vocabulary, the first in alphabetical order; "" where there is none.
std::string rwkv_name(const fs::path& folder) {
    std::string name;
    std::error_code code;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, code)) {
        const std::string other = entry.path().filename().string();
        if (other.starts_with("rwkv_vocab") && other.ends_with(".txt") && (name.empty() || other < name)) name = other;
    }
    return name;
}

}  // namespace

Result<TokenizerParts> read_token_file(const fs::path& place) {
    std::error_code code;
    if (!fs::exists(place, code))
        return fail(ErrorCode::not_found, "{}: {}", place.string(),
                    code ? code.message() : std::string("No such file or directory"));
    if (fs::is_regular_file(place, code)) return read_one(place);
    KRAIT_TRY(const auto json, find_file(place, "tokenizer.json"));
    std::optional<fs::path> other;
    for (const std::string& name : {std::string("tokenizer.model"), std::string("spiece.model"),
                                    std::string("tokenizer.model.v3"), rwkv_name(place), std::string("tokenizer.jsonl")})
        if (!other && !name.empty()) {
            KRAIT_TRY(other, find_file(place, name));
        }
    if (!json && !other) return fail(ErrorCode::not_found, "{}: there is no {}", place.string(), kTokenizerFiles);
    if (!json) return read_one(*other);
    auto parts = read_one(*json);
    if (parts || !other || parts.error().code != ErrorCode::unsupported) return parts;
    const std::string why = parts.error().message;
    KRAIT_TRY(TokenizerParts instead, read_one(*other));
    instead.warnings.push_back(fmt::format("{}; {} is read instead", why, other->filename().string()));
    return instead;
}

}  // namespace krait::huggingface
