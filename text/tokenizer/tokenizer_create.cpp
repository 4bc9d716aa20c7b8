// SPDX-License-Identifier: Apache-2.0
//
// Tokenizer::create: checks a TokenizerSpec and builds the tables. Specs come from files, so nothing in one is trusted. A flaw
// that leaves a vocabulary usable is got over, and becomes a warning.
#include <algorithm>
#include <array>

#include "core/base/printable.hpp"
#include "text/tokenizer/pre_tokenizer.hpp"
#include "text/tokenizer/tokenizer_data.hpp"

namespace krait {

namespace {

const std::array kKinds{&kByteLevelBpe, &kSentencePieceBpe, &kUnigram, &kWordPiece, &kRwkv, &kPlamo2};

bool adds(std::string_view name, bool wanted, std::optional<int32_t> id, std::string_view verb,
          std::vector<std::string>& warnings) {
    if (wanted && !id)
        warnings.push_back(fmt::format("tokenizer: texts shall {} with {}, but there is none: they do not", verb, name));
    return wanted && id;
}

}  // namespace

std::string Tokenizer::supported_models() {
    std::string list;
    for (const KindEntry* kind : kKinds) list += (list.empty() ? "" : ", ") + std::string(kind->model);
    return list;
}
std::string Tokenizer::supported_pre_tokenizers() { return PreTokenizer::supported(); }

Tokenizer::Data::Data(Vocabulary tokens, const TokenizerSpec& spec, const KindEntry& entry)
    : vocabulary(std::move(tokens)), kind(entry.create(spec, vocabulary)) {
    if (!kind && !spec.file.empty()) kind = tl::unexpected<Error>(std::move(kind).error().within(spec.file));
    if (kind) special = SpecialTokens(spec, vocabulary, entry.cuts_user_defined, **kind);
    auto& warnings = vocabulary.warnings;
    add_bos = adds("bos", spec.add_bos, vocabulary.bos, "begin", warnings);
    add_eos = adds("eos", spec.add_eos, vocabulary.eos, "end", warnings);
    add_sep = adds("a separator", spec.add_sep, vocabulary.sep, "end", warnings);
    strips_all_blanks = !spec.treat_whitespace_as_suffix && spec.remove_extra_whitespaces;
    strips_blank = entry.strips_blank || strips_all_blanks ||
                   (spec.space_prefix != SpacePrefix::never && !spec.treat_whitespace_as_suffix);
}

Result<Tokenizer> Tokenizer::create(TokenizerSpec spec) {
    const auto* const known =
        std::find_if(kKinds.begin(), kKinds.end(), [&](const KindEntry* entry) { return entry->model == spec.model; });
    if (known == kKinds.end()) {
        return fail(ErrorCode::unsupported, "unknown tokenizer model {}: it must be one of {}", quote(spec.model),
                    supported_models());
    }
    try {
        KRAIT_TRY(Vocabulary vocabulary, Vocabulary::create(spec, (*known)->bytes_of));
        return Tokenizer(std::make_shared<const Data>(std::move(vocabulary), spec, **known));
    } catch (const BuildCancelled&) {
        return fail(ErrorCode::cancelled, "cancelled while the model was loaded");
    }
}

}  // namespace krait
