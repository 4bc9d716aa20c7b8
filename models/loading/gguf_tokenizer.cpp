// SPDX-License-Identifier: Apache-2.0
#include "models/loading/gguf_tokenizer.hpp"

#include <fmt/format.h>

#include <map>

#include "formats/gguf/gguf_value.hpp"
#include "text/tokenizer/pre_tokenizer.hpp"
#include "text/tokenizer/text_ends.hpp"

namespace krait {
namespace {

constexpr const char* kTokens = "tokenizer.ggml.tokens";

std::string key_of(std::string_view name) { return fmt::format("tokenizer.ggml.{}", name); }

// Keys of Krait's own (docs/tokenizers.md). GGUF's add_space_prefix knows all parts of a text or none; a blank may also go
// before the text alone.
constexpr const char* kSpacePrefix = "krait.tokenizer.space_prefix";
constexpr const char* kSuffix = "krait.tokenizer.treat_whitespace_as_suffix";
constexpr const char* kAddedTokens = "krait.tokenizer.added_tokens";

struct Defaults {
    int64_t bos = -1, eos = -1, unk = -1, pad = -1, sep = -1;  // -1 = none
    bool add_bos = false, add_eos = false, add_sep = false;
};

// "gpt2" has no ids: those of other readers are Falcon's.
Defaults default_options(std::string_view model, std::string_view pre) {
    if (model == "llama") return {.bos = 1, .eos = 2, .unk = 0, .add_bos = true};
    if (model == "t5") return {.eos = 1, .unk = 2, .pad = 0, .add_eos = true};
    if (model == "bert") return {.bos = 101, .unk = 100, .pad = 0, .sep = 102, .add_bos = true, .add_sep = true};
    if (model == "plamo2") return {.bos = 1, .eos = 2, .unk = 0, .pad = 3};
    return {.add_bos = model == "gpt2" && PreTokenizer::adds_bos(pre)};
}

class Reader {
  public:
    Reader(const ModelSource& file, std::vector<std::string>& warnings) : file_(file), warnings_(warnings) {
        spec_.file = file.name();
    }

    // The tokens and their kinds, without which a file has no text.
    Result<void> read_tokens() {
        const Error* why = file_.why_no_tokenizer();
        if (!file_.has(kTokens) && why) return tl::unexpected<Error>(*why);
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
        read_options(default_options(model, pre));
        return {};
    }
    void read_rest() {
        spec_.token_types = get<std::vector<int32_t>>("token_type").value_or(std::vector<int32_t>{});
        if (const auto merges = get<std::span<const std::string>>("merges"))
            spec_.merges.assign(merges->begin(), merges->end());
        spec_.scores = get<std::vector<float>>("scores").value_or(std::vector<float>{});
        spec_.bos = get<int64_t>("bos_token_id");
        if (!spec_.bos) spec_.bos = get<int64_t>("cls_token_id");
        spec_.unk = get<int64_t>("unknown_token_id");
        spec_.pad = get<int64_t>("padding_token_id");
        spec_.sep = get<int64_t>("seperator_token_id");  // the key is spelled like this
        read_ends();
    }

    TokenizerSpec& spec() { return spec_; }

  private:
    template <class T>
    std::optional<T> get(std::string_view name) {
        return get_by_key<T>(key_of(name));
    }
    template <class T>
    std::optional<T> get_by_key(const std::string& key) {
        auto value = file_.get_optional<T>(key);
        if (value) return std::move(*value);
        warnings_.push_back(value.error().message + ": it is ignored");
        return std::nullopt;
    }
    // An option of the family that the file does not name has the family's default, as for all who read such files.
    void read_options(const Defaults& defaults) {
        const auto set_default = [&](std::optional<int64_t>& id, int64_t value) {
            if (!id && spec_.has_token(value)) id = value;
        };
        set_default(spec_.bos, defaults.bos);
        set_default(spec_.eos, defaults.eos);
        set_default(spec_.unk, defaults.unk);
        set_default(spec_.pad, defaults.pad);
        set_default(spec_.sep, defaults.sep);
        spec_.add_bos = get<bool>("add_bos_token").value_or(defaults.add_bos);
        spec_.add_eos = get<bool>("add_eos_token").value_or(defaults.add_eos);
        spec_.add_sep = get<bool>("add_sep_token").value_or(defaults.add_sep);
        spec_.remove_extra_whitespaces = get<bool>("remove_extra_whitespaces").value_or(false);
        spec_.lowercase = get<bool>("normalizer.lowercase").value_or(true);
        spec_.strip_accents = get<bool>("normalizer.strip_accents").value_or(spec_.lowercase);
        read_charsmap();
        if (spec_.model == "llama" || spec_.model == "t5") read_space_prefix();
        spec_.treat_whitespace_as_suffix = get_by_key<bool>(kSuffix).value_or(false);
        read_rules();
    }
    // Tokens that are not cut out of text as all tokens of their type are: lists of ids.
    void read_rules() {
        using Ids = std::vector<int64_t>;
        std::map<int64_t, TokenRule> rules;
        for (const int64_t id : get_by_key<Ids>(kAddedTokens).value_or(Ids{})) rules[id].id = id;
        const auto set = [&](const char* name, bool TokenRule::*flag) {
            const std::string key = fmt::format("{}.{}", kAddedTokens, name);
            for (const int64_t id : get_by_key<Ids>(key).value_or(Ids{})) {
                const auto rule = rules.find(id);
                if (rule != rules.end()) rule->second.*flag = true;
                else
                    warnings_.push_back(
                        fmt::format("{}: '{}' has {}, which '{}' has not: it is ignored", file_.name(), key, id, kAddedTokens));
            }
        };
        set("lstrip", &TokenRule::lstrip);
        set("rstrip", &TokenRule::rstrip);
        set("single_word", &TokenRule::single_word);
        set("normalized", &TokenRule::normalized);
        for (const auto& [id, rule] : rules) spec_.rules.push_back(rule);
    }
    void read_space_prefix() {
        spec_.space_prefix = get<bool>("add_space_prefix").value_or(true) ? SpacePrefix::every_part : SpacePrefix::never;
        const auto name = file_.get_optional<std::string_view>(kSpacePrefix);
        if (name && !*name) return;
        if (name && **name == "text_start") {
            spec_.space_prefix = SpacePrefix::text_start;
        } else {
            warnings_.push_back(fmt::format("{}: '{}' must be \"text_start\": it is ignored", file_.name(), kSpacePrefix));
        }
    }
    void read_charsmap() {
        const std::string key = key_of("precompiled_charsmap");
        const GgufMetadata* entry = file_.find(key);
        if (entry == nullptr) return;
        const auto* array = std::get_if<GgufArray>(&entry->value);
        if (const auto* bytes = array ? std::get_if<std::vector<uint8_t>>(array) : nullptr) {
            spec_.precompiled_charsmap.assign(bytes->begin(), bytes->end());
        } else if (const auto* signed_bytes = array ? std::get_if<std::vector<int8_t>>(array) : nullptr) {
            spec_.precompiled_charsmap.assign(signed_bytes->begin(), signed_bytes->end());
        } else {
            warnings_.push_back(fmt::format("{}: '{}' is no array of bytes: it is ignored", file_.name(), key));
        }
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
        // The ends of a text, a turn and a message. After the others a model of code would begin another file, which nobody
        // asked for.
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
    vocabulary.ends = text_ends(reader.spec());  // with those of the family
    auto tokenizer = Tokenizer::create(std::move(reader.spec()));
    if (!tokenizer && tokenizer.error().code == ErrorCode::cancelled) return tokenizer;
    if (!tokenizer) return tl::unexpected<Error>(std::move(tokenizer).error().within(file.name()));
    for (const std::string& warning : tokenizer->warnings())
        vocabulary.warnings.push_back(fmt::format("{}: {}", file.name(), warning));
    return tokenizer;
}

}  // namespace

GgufVocabulary read_vocabulary(const ModelSource& file, const LoadProgress& progress) {
    GgufVocabulary vocabulary{.tokenizer = fail(ErrorCode::internal, "not read"), .warnings = file.warnings()};
    Reader reader(file, vocabulary.warnings);
    if (progress) {
        uint64_t total = 0;
        for (const GgufTensor& tensor : file.tensors()) total += tensor.byte_size();
        reader.spec().keep_going = [&progress, total] { return progress(0, total); };
    }
    vocabulary.tokenizer = read(reader, file, vocabulary);
    return vocabulary;
}

}  // namespace krait
