// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/tokenizer.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "core/base/printable.hpp"
#include "formats/huggingface/folder_files.hpp"
#include "formats/huggingface/token_files.hpp"
#include "formats/huggingface/token_settings.hpp"

namespace krait::huggingface {
namespace {

namespace fs = std::filesystem;

constexpr float kScoreOfNone = -1000;  // as other converters give it to tokens that sentencepiece does not know
constexpr uint64_t kMaxTemplateBytes = uint64_t{4} << 20;

Result<std::optional<Config>> open_if_there(const fs::path& folder, std::string_view name) {
    KRAIT_TRY(const auto path, find_file(folder, name));
    if (!path) return std::nullopt;
    KRAIT_TRY(Config config, Config::open(*path));
    return config;
}

class Builder {
  public:
    Builder(const TokenizerFiles& files, std::vector<std::string>& warnings) : files_(files), warnings_(warnings) {
        std::error_code ignored;
        folder_ = fs::is_regular_file(files.place, ignored) ? files.place.parent_path() : files.place;
        if (folder_.empty()) folder_ = ".";
    }

    Result<std::vector<GgufMetadata>> build() {
        KRAIT_TRY(parts_, read_token_file(files_.place));  // first: without one the rest is of no interest
        KRAIT_CHECK(read_settings());
        KRAIT_CHECK(number_tokens());
        add("tokenizer.ggml.model", parts_.rules.model);
        if (parts_.rules.model == "gpt2") add("tokenizer.ggml.pre", parts_.rules.pre);
        add("tokenizer.ggml.tokens", GgufArray(std::move(tokens_)));
        if (is_sentencepiece() || parts_.rules.model == "plamo2") add("tokenizer.ggml.scores", GgufArray(std::move(scores_)));
        add("tokenizer.ggml.token_type", GgufArray(types_));
        if (parts_.rules.model == "gpt2") add("tokenizer.ggml.merges", GgufArray(std::move(parts_.merges)));
        add_surroundings();
        add_ids();
        add_text_rules();
        add_token_rules();
        KRAIT_CHECK(add_templates());
        return std::move(entries_);
    }

  private:
    void add(std::string key, GgufValue value) { entries_.push_back({std::move(key), std::move(value)}); }
    // A value that is of no use is a warning, and is as if it were not there.
    void ignore(const Config& config, std::string_view name, const JsonValue& found, std::string_view wanted) const {
        warnings_.push_back(config.wrong(name, found, wanted).value().message + ": it is ignored");
    }
    [[nodiscard]] std::optional<bool> flag(std::string_view name) const {
        const JsonValue* found = config_ ? config_->find(name) : nullptr;
        if (!found) return std::nullopt;
        return found->is_true();
    }
    [[nodiscard]] bool is_bert() const { return parts_.rules.model == "bert"; }
    [[nodiscard]] bool is_sentencepiece() const { return parts_.rules.model == "llama" || parts_.rules.model == "t5"; }

    Result<void> read_settings() {
        KRAIT_TRY(config_, open_if_there(folder_, "tokenizer_config.json"));
        KRAIT_TRY(generation_, open_if_there(folder_, "generation_config.json"));
        if (config_) KRAIT_CHECK(check_tokenizer_config(*config_));
        if (generation_) KRAIT_CHECK(check_token_ids(*generation_));
        if (files_.model) KRAIT_CHECK(check_token_ids(*files_.model));
        warnings_.insert(warnings_.end(), parts_.warnings.begin(), parts_.warnings.end());
        if (parts_.has_added) return {};
        const bool is_legacy = flag("legacy").value_or(true);
        if (!is_legacy && parts_.rules.blank == Blank::every_part) parts_.rules.blank = Blank::text_start;
        if (config_) {
            KRAIT_TRY(parts_.added, added_tokens_of(*config_));
        }
        return {};
    }

    // Tokens by id, and what kind they are.
    Result<void> number_tokens() {
        size_t n_token = static_cast<size_t>(files_.n_vocab);
        const auto count = [&](int64_t id) { n_token = std::max(n_token, static_cast<size_t>(id) + 1); };
        for (const Piece& piece : parts_.pieces) count(piece.id);
        for (const AddedToken& token : parts_.added) count(token.id);
        // Ids without a text are padding; a file of a few bytes must not make millions of them.
        if (n_token > parts_.pieces.size() + parts_.added.size() + static_cast<size_t>(files_.n_vocab))
            return fail(ErrorCode::corrupt_file, "{}: ids go up to {}, but there are {} tokens{}", parts_.file, n_token - 1,
                        parts_.pieces.size() + parts_.added.size(),
                        files_.n_vocab > 0 ? fmt::format(" and {} rows of the embedding", files_.n_vocab) : "");
        n_token_ = n_token;
        tokens_.resize(n_token);
        types_.assign(n_token, number_of(PieceType::unused));
        scores_.assign(n_token, kScoreOfNone);
        for (Piece& piece : parts_.pieces) {
            const auto id = static_cast<size_t>(piece.id);
            if (types_[id] != number_of(PieceType::unused) || !tokens_[id].empty())
                return fail(ErrorCode::corrupt_file, "{}: the tokens {} and {} have the same id, {}", parts_.file,
                            quote(tokens_[id]), quote(piece.text), id);
            tokens_[id] = std::move(piece.text);
            types_[id] = number_of(piece.type);
            scores_[id] = piece.score;
        }
        for (const AddedToken& token : parts_.added) {
            const auto id = static_cast<size_t>(token.id);
            tokens_[id] = token.text;
            if (types_[id] != number_of(PieceType::unknown))
                types_[id] = number_of(token.is_special ? PieceType::control : PieceType::user_defined);
        }
        for (size_t id = 0; id < n_token; ++id) {
            if (types_[id] == number_of(PieceType::unused) && tokens_[id].empty()) tokens_[id] = fmt::format("[PAD{}]", id);
            ids_.emplace(tokens_[id], static_cast<int64_t>(id));
        }
        return {};
    }
    static int32_t number_of(PieceType type) { return static_cast<int32_t>(type); }

    // Whether texts begin and end with a token: what the configuration says, else what the tokenizer does. Where neither says,
    // a reader of GGUF takes what is usual for the kind.
    void add_surroundings() {
        const auto add_flag = [&](std::string_view name, const std::optional<std::string>& token) {
            const std::string key = fmt::format("add_{}_token", name);
            const std::optional<bool> said = flag(key);
            if (!said && !token) return false;
            const bool is_added = said ? *said : !token->empty();
            add("tokenizer.ggml." + key, is_added);
            return is_added;
        };
        adds_first_ = add_flag("bos", parts_.first);
        adds_last_ = add_flag(is_bert() ? "sep" : "eos", parts_.last);
    }

    // The token that the tokenizer itself puts there; else by its text in tokenizer_config.json, what the tokenizer says, its
    // number in a configuration.
    std::vector<int64_t> ids_of(std::string_view name) const {
        std::vector<int64_t> ids;
        const auto take = [&](int64_t id) {
            if (id >= 0 && static_cast<size_t>(id) < n_token_ && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
        };
        const std::string put = put_around(name);
        if (const auto id = id_of(put)) take(*id);
        else if (!put.empty())
            warnings_.push_back(fmt::format("{}: its post-processor puts {} around texts, which is no token: it is ignored",
                                            parts_.file, quote(put)));
        const JsonValue* token = config_ ? config_->find(fmt::format("{}_token", name)) : nullptr;
        if (token) {
            const JsonValue* content = token->find("content");
            const JsonValue& text = content ? *content : *token;
            const auto found = ids_.find(text.text);
            if (found == ids_.end())
                warnings_.push_back(fmt::format("{}: '{}_token' at byte {} is {}, which is no text of a token: it is ignored",
                                                config_->file(), name, text.at, text.description()));
            else if (!ids.empty() && found->second != ids.front() && name != "eos")
                warnings_.push_back(fmt::format("{}: '{}_token' is {}, but {} puts {} around texts, which is taken",
                                                config_->file(), name, quote(text.text), parts_.file, quote(put)));
            else take(found->second);
        }
        if (const auto known = known_id(name); ids.empty() && known) take(*known);
        // All that generation_config.json lists as ends of a text counts; else the first file that says something.
        if (generation_ && (ids.empty() || name == "eos")) take_numbers(*generation_, name, take);
        if (ids.empty() && files_.model) take_numbers(*files_.model, name, take);
        return ids;
    }
    template <class Take>
    void take_numbers(const Config& config, std::string_view name, const Take& take) const {
        const std::string key = fmt::format("{}_token_id", name);
        const auto take_number = [&](const JsonValue& value) {
            if (value.number == -1) return;  // none
            if (value.number >= 0 && value.number < static_cast<double>(n_token_)) take(static_cast<int64_t>(value.number));
            else ignore(config, key, value, fmt::format("the id of a token, 0 to {},", n_token_ - 1));
        };
        const JsonValue* value = config.find(key);
        if (!value) return;
        if (!value->is(JsonValue::Kind::list)) take_number(*value);
        for (const JsonValue& element : value->list) take_number(element);
    }

    // "" where texts begin or end without it.
    [[nodiscard]] std::string put_around(std::string_view name) const {
        const bool is_first = name == (is_bert() ? "cls" : "bos"), is_last = name == (is_bert() ? "sep" : "eos");
        if (is_first && adds_first_) return parts_.first.value_or("");
        if (is_last && adds_last_) return parts_.last.value_or("");
        return "";
    }
    std::optional<int64_t> known_id(std::string_view name) const {
        if (name == "bos") return parts_.bos ? parts_.bos : id_of(parts_.first.value_or(""));
        if (name == "eos") return parts_.eos ? parts_.eos : id_of(parts_.last.value_or(""));
        if (name == "unk") return parts_.unk;
        if (name == "pad") return parts_.pad;
        if (name == "cls") return id_of(parts_.first.value_or(""));
        if (name == "sep") return id_of(parts_.last.value_or(""));
        return std::nullopt;
    }
    std::optional<int64_t> id_of(const std::string& text) const {
        const auto found = ids_.find(text);
        if (text.empty() || found == ids_.end()) return std::nullopt;
        return found->second;
    }

    void add_ids() {
        struct Id {
            std::string_view theirs, ours;
        };
        // The first token of BERT's texts is cls; a configuration's number of bos would be the model's.
        constexpr Id kIds[] = {{"bos", "bos"}, {"eos", "eos"}, {"unk", "unknown"}, {"pad", "padding"}};
        constexpr Id kBertIds[] = {{"cls", "cls"},     {"eos", "eos"},       {"unk", "unknown"},
                                   {"pad", "padding"}, {"sep", "seperator"}, {"mask", "mask"}};
        for (const Id& id : is_bert() ? std::span<const Id>(kBertIds) : std::span<const Id>(kIds)) {
            const std::vector<int64_t> ids = ids_of(id.theirs);
            if (ids.empty()) continue;
            add(fmt::format("tokenizer.ggml.{}_token_id", id.ours), static_cast<uint32_t>(ids.front()));
            if (id.theirs != "eos" || ids.size() == 1) continue;
            std::vector<uint32_t> all(ids.begin(), ids.end());
            add("tokenizer.ggml.eos_token_ids", GgufArray(std::move(all)));
        }
        if (parts_.eot) add("tokenizer.ggml.eot_token_id", static_cast<uint32_t>(*parts_.eot));
    }

    void add_text_rules() {
        const TextRules& rules = parts_.rules;
        if (rules.model == "bert") {
            add("tokenizer.ggml.normalizer.lowercase", rules.lowercase);
            add("tokenizer.ggml.normalizer.strip_accents", rules.strip_accents);
        }
        if (!is_sentencepiece()) return;
        add("tokenizer.ggml.add_space_prefix", rules.blank != Blank::never);
        add("tokenizer.ggml.remove_extra_whitespaces", rules.remove_extra_whitespaces);
        if (!rules.charsmap.empty())
            add("tokenizer.ggml.precompiled_charsmap",
                GgufArray(std::vector<uint8_t>(rules.charsmap.begin(), rules.charsmap.end())));
        if (rules.blank == Blank::text_start) add("krait.tokenizer.space_prefix", std::string("text_start"));
        if (rules.treat_whitespace_as_suffix) add("krait.tokenizer.treat_whitespace_as_suffix", true);
    }

    // Added tokens that are not cut out as all tokens of their type are.
    void add_token_rules() {
        std::vector<int32_t> all, lstrip, rstrip, single_word, normalized;
        for (const AddedToken& token : parts_.added) {
            const bool is_usual = token.is_special || (!is_sentencepiece() && token.normalized);
            if (is_usual && !token.lstrip && !token.rstrip && !token.single_word) continue;
            const auto id = static_cast<int32_t>(token.id);
            all.push_back(id);
            if (token.lstrip) lstrip.push_back(id);
            if (token.rstrip) rstrip.push_back(id);
            if (token.single_word) single_word.push_back(id);
            if (token.normalized) normalized.push_back(id);
        }
        const auto add_list = [&](std::string_view name, std::vector<int32_t>& ids) {
            if (!ids.empty()) add(fmt::format("krait.tokenizer.{}", name), GgufArray(std::move(ids)));
        };
        add_list("added_tokens", all);
        add_list("added_tokens.lstrip", lstrip);
        add_list("added_tokens.rstrip", rstrip);
        add_list("added_tokens.single_word", single_word);
        add_list("added_tokens.normalized", normalized);
    }

    Result<void> add_templates() {
        constexpr const char* kKey = "tokenizer.chat_template";
        KRAIT_TRY(const auto file, find_file(folder_, "chat_template.jinja"));
        if (file) {
            KRAIT_TRY(std::string text, read_json_text(*file, kMaxTemplateBytes, "a chat template"));
            add(kKey, std::move(text));
            return {};
        }
        constexpr std::string_view kName = "chat_template";
        const JsonValue* found = config_ ? config_->find(kName) : nullptr;
        if (!found) return {};
        if (found->is(JsonValue::Kind::string)) add(kKey, found->text);
        std::set<std::string_view> names;
        for (const JsonValue& named : found->list) {
            const JsonValue *name = named.find("name"), *text = named.find("template");
            if (printable(name->text) != name->text) ignore(*config_, kName, *name, "a name without control characters");
            else if (!names.insert(name->text).second)
                warnings_.push_back(fmt::format("{}: '{}' at byte {} has the name {} a second time: it is ignored",
                                                config_->file(), kName, named.at, quote(name->text)));
            else add(name->text == "default" ? kKey : fmt::format("{}.{}", kKey, name->text), text->text);
        }
        return {};
    }

    const TokenizerFiles& files_;
    fs::path folder_;  // where the configurations lie
    std::vector<std::string>& warnings_;
    TokenizerParts parts_;
    std::optional<Config> config_, generation_;
    bool adds_first_ = false, adds_last_ = false;
    std::vector<std::string> tokens_;
    std::vector<int32_t> types_;
    std::vector<float> scores_;
    std::unordered_map<std::string, int64_t> ids_;
    size_t n_token_ = 0;
    std::vector<GgufMetadata> entries_;
};

}  // namespace

Result<std::vector<GgufMetadata>> read_tokenizer(const TokenizerFiles& files, std::vector<std::string>& warnings) {
    return Builder(files, warnings).build();
}

}  // namespace krait::huggingface
