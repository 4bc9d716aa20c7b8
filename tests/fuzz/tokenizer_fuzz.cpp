// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target: bytes that begin with '{' as tokenizer.json, all others as tokenizer.model. What is accepted has ids that
// are possible and finite scores; what is refused must name the file.
#include <cmath>
#include <cstdlib>

#include "formats/huggingface/sentencepiece_model.hpp"
#include "formats/huggingface/tokenizer_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto parts = text.starts_with('{') ? krait::huggingface::parse_tokenizer_json(text, "fuzz.json")
                                             : krait::huggingface::parse_sentencepiece_model(text, "fuzz.model");
    if (!parts) {
        if (parts.error().code == krait::ErrorCode::internal || !parts.error().message.starts_with("fuzz.")) std::abort();
        return 0;
    }
    if (parts->pieces.empty() || parts->rules.model.empty()) std::abort();
    for (const krait::huggingface::Piece& piece : parts->pieces)
        if (piece.id < 0 || piece.id >= krait::huggingface::kMaxTokens || !std::isfinite(piece.score)) std::abort();
    for (const krait::huggingface::AddedToken& token : parts->added)
        if (token.id < 0 || token.id >= krait::huggingface::kMaxTokens) std::abort();
    return 0;
}
