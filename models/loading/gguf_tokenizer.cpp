// SPDX-License-Identifier: Apache-2.0
#include "models/loading/gguf_tokenizer.hpp"

#include <fmt/format.h>

#include "formats/gguf/gguf_value.hpp"
#include "text/tokenizer/text_ends.hpp"

namespace krait {
namespace {

constexpr const char* kTokens = "tokenizer.ggml.tokens";

std::string key_of(std::string_view name) { return fmt::format("tokenizer.ggml.{}", name); }

class Reader {
  public:
    Reader(const ModelSource& file, std::vector<std::string>& warnings) : file_(file), warnings_(warnings) {}

    // What the file has to have for text: its tokens, and of which kind they are.
    Result<void> read_tokens() {
        if (!file_.has(kTokens) && !file_.why_no_tokenizer().empty())
            return fail(ErrorCode::not_found, "{}", file_.why_no_tokenizer());
        if (!file_.has(kTokens))
            return fail(ErrorCode::not_found, "{} has no tokenizer ('{}' is missing); it can be used with token ids only",
                        file_.name(), kTokens);
        KRAIT_TRY(const auto tokens, file_.get_string_array(kTokens));
        spec_.tokens.assign(tokens.begin(), tokens.end());
        return {};
    }
    Result<void> read_family() {
        KRAIT_TRY(const std::string_view model, file_.get_string(key_of("model")));
        // Files of Mamba models from before this key was written; their vocabulary is that of GPT-NeoX.
        const bool is_neox = spec_.tokens.size() > 1 && spec_.tokens[0] == "<|endoftext|>" && spec_.tokens[1] == "<|padding|>";
        KRAIT_TRY(const std::string_view pre, file_.get_string(key_of("pre"), is_neox ? "gpt-neox" : "default"));
        spec_.model = model;
        spec_.pre = pre;
        return {};
    }
    void read_rest() {
        spec_.token_types = get<std::vector<int32_t>>("token_type").value_or(std::vector<int32_t>{});
        if (const auto merges = get<std::span<const std::string>>("merges"))
            spec_.merges.assign(merges->begin(), merges->end());
        spec_.bos = get<int64_t>("bos_token_id");
        spec_.unk = get<int64_t>("unknown_token_id");
        spec_.pad = get<int64_t>("padding_token_id");
        read_ends();
        spec_.add_bos = get<bool>("add_bos_token").value_or(false);
        spec_.add_eos = get<bool>("add_eos_token").value_or(false);
    }

    TokenizerSpec& spec() { return spec_; }

  private:
    template <class T>
    std::optional<T> get(std::string_view name) {
        auto value = file_.get_optional<T>(key_of(name));
        if (value) return std::move(*value);
        warnings_.push_back(value.error().message + ": it is ignored");
        return std::nullopt;
    }
    // One id or an array of them; converters write lists under either key.
    std::vector<int64_t> get_ids(std::string_view name) {
        const GgufMetadata* entry = file_.find(key_of(name));
        if (entry && std::holds_alternative<GgufArray>(entry->value))
            return get<std::vector<int64_t>>(name).value_or(std::vector<int64_t>{});
        const auto id = get<int64_t>(name);
        return id ? std::vector{*id} : std::vector<int64_t>{};
    }
    void read_ends() {
        // Of a text, a turn and a message. After the others a model of code would begin another file, which nobody asked for.
        for (const char* name : {"eos_token_id", "eos_token_ids", "eot_token_id", "eot_token_ids", "eom_token_id",
                                 "eom_token_ids", "fim_pad_token_id", "fim_rep_token_id", "fim_sep_token_id"})
            for (const int64_t id : get_ids(name)) {
                if (!spec_.eos && std::string_view(name).starts_with("eos")) spec_.eos = id;
                else spec_.ends.push_back(id);
            }
    }

    const ModelSource& file_;
    std::vector<std::string>& warnings_;
    TokenizerSpec spec_;
};

Result<Tokenizer> read(Reader& reader, const ModelSource& file, GgufVocabulary& vocabulary) {
    KRAIT_CHECK(reader.read_tokens());
    reader.read_rest();
    vocabulary.n_token = reader.spec().tokens.size();
    vocabulary.ends = text_ends(reader.spec());
    KRAIT_CHECK(reader.read_family());
    auto tokenizer = Tokenizer::create(std::move(reader.spec()));
    if (!tokenizer) return tl::unexpected<Error>(std::move(tokenizer).error().within(file.name()));
    for (const std::string& warning : tokenizer->warnings())
        vocabulary.warnings.push_back(fmt::format("{}: {}", file.name(), warning));
    return tokenizer;
}

}  // namespace

GgufVocabulary read_vocabulary(const ModelSource& file) {
    GgufVocabulary vocabulary{.tokenizer = fail(ErrorCode::internal, "not read"), .warnings = file.warnings()};
    Reader reader(file, vocabulary.warnings);
    vocabulary.tokenizer = read(reader, file, vocabulary);
    return vocabulary;
}

}  // namespace krait
