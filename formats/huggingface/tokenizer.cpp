// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/tokenizer.hpp"

#include <algorithm>
#include <unordered_map>

#include "core/base/printable.hpp"
#include "formats/huggingface/folder_files.hpp"
#include "formats/huggingface/tokenizer_json.hpp"

namespace krait::huggingface {
namespace {

namespace fs = std::filesystem;

enum Type : int32_t { kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5 };  // as GGUF numbers them
constexpr uint64_t kMaxTemplateBytes = 1'000'000;

Result<std::optional<Config>> open_if_there(const fs::path& folder, std::string_view name) {
    KRAIT_TRY(const auto path, find_file(folder, name));
    if (!path) return std::nullopt;
    KRAIT_TRY(Config config, Config::open(*path));
    return config;
}

class Builder {
  public:
    Builder(const TokenizerFiles& files, std::vector<std::string>& warnings) : files_(files), warnings_(warnings) {}

    Result<std::vector<GgufMetadata>> build() {
        KRAIT_TRY(const auto path, find_file(files_.folder, "tokenizer.json"));
        if (!path) return fail(ErrorCode::not_found, "{}: there is no tokenizer.json", files_.folder.string());
        KRAIT_TRY(json_, TokenizerJson::open(*path));
        KRAIT_TRY(config_, open_if_there(files_.folder, "tokenizer_config.json"));
        KRAIT_TRY(generation_, open_if_there(files_.folder, "generation_config.json"));
        KRAIT_CHECK(number_tokens());
        add("tokenizer.ggml.model", std::string("gpt2"));
        add("tokenizer.ggml.pre", json_.pre);
        add("tokenizer.ggml.tokens", GgufArray(std::move(tokens_)));
        add("tokenizer.ggml.token_type", GgufArray(std::move(types_)));
        add("tokenizer.ggml.merges", GgufArray(std::move(json_.merges)));
        add_ids();
        add_flag("bos", is_put_around(0));
        add_flag("eos", is_put_around(1));
        KRAIT_CHECK(add_templates());
        return std::move(entries_);
    }

  private:
    void add(std::string key, GgufValue value) { entries_.push_back({std::move(key), std::move(value)}); }

    // Tokens by id, and what kind they are.
    Result<void> number_tokens() {
        size_t n_token = static_cast<size_t>(files_.n_vocab);
        const auto count = [&](int64_t id) { n_token = std::max(n_token, static_cast<size_t>(id) + 1); };
        for (const auto& [text, id] : json_.vocabulary) count(id);
        for (const AddedToken& token : json_.added) count(token.id);
        // Ids without a text are padding; a file of a few bytes must not make millions of them.
        if (n_token > json_.vocabulary.size() + json_.added.size() + static_cast<size_t>(files_.n_vocab))
            return fail(ErrorCode::corrupt_file, "{}: ids go up to {}, but there are {} tokens", json_.file, n_token - 1,
                        json_.vocabulary.size() + json_.added.size());
        n_token_ = n_token;
        tokens_.resize(n_token);
        types_.assign(n_token, kUnused);
        for (auto& [text, id] : json_.vocabulary) {
            if (types_[static_cast<size_t>(id)] != kUnused)
                return fail(ErrorCode::corrupt_file, "{}: the tokens {} and {} have the same id, {}", json_.file,
                            quote(tokens_[static_cast<size_t>(id)]), quote(text), id);
            tokens_[static_cast<size_t>(id)] = std::move(text);
            types_[static_cast<size_t>(id)] = kNormal;
        }
        std::string stripping;
        for (const AddedToken& token : json_.added) {
            tokens_[static_cast<size_t>(token.id)] = token.text;
            types_[static_cast<size_t>(token.id)] = token.is_special ? kControl : kUserDefined;
            if ((token.strips || token.single_word) && stripping.empty()) stripping = token.text;
        }
        if (!stripping.empty())
            warnings_.push_back(
                fmt::format("{}: the added token {} takes blanks beside it, or stands for whole words alone; "
                            "Krait does neither",
                            json_.file, quote(stripping)));
        for (size_t id = 0; id < n_token; ++id) {
            if (types_[id] == kUnused) tokens_[id] = fmt::format("[PAD{}]", id);
            ids_.emplace(tokens_[id], static_cast<int64_t>(id));
        }
        return {};
    }

    // By its text in tokenizer_config.json, else by its number in a configuration.
    std::vector<int64_t> ids_of(std::string_view name) const {
        std::vector<int64_t> ids;
        const auto take = [&](int64_t id) {
            if (id >= 0 && static_cast<size_t>(id) < n_token() && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
        };
        if (config_)
            if (const JsonValue* token = config_->find(fmt::format("{}_token", name))) {
                const JsonValue* content = token->find("content");
                const auto found = ids_.find(content ? content->text : token->text);
                if (found != ids_.end()) take(found->second);
            }
        // All that generation_config.json lists as ends of a text counts; else the first file that says something.
        if (generation_ && (ids.empty() || name == "eos")) take_numbers(*generation_, name, take);
        if (ids.empty()) take_numbers(*files_.model, name, take);
        return ids;
    }
    template <class Take>
    static void take_numbers(const Config& config, std::string_view name, const Take& take) {
        const auto take_number = [&](const JsonValue& value) {  // NaN is none either
            if (value.number >= 0 && value.number < 1e9 && value.is(JsonValue::Kind::number))
                take(static_cast<int64_t>(value.number));
        };
        if (const JsonValue* value = config.find(fmt::format("{}_token_id", name))) {
            take_number(*value);
            for (const JsonValue& element : value->list) take_number(element);
        }
    }
    size_t n_token() const { return n_token_; }

    void add_ids() {
        struct Id {
            std::string_view theirs, ours;
        };
        for (const Id& id : {Id{"bos", "bos"}, Id{"eos", "eos"}, Id{"unk", "unknown"}, Id{"pad", "padding"}}) {
            const std::vector<int64_t> ids = ids_of(id.theirs);
            if (ids.empty()) continue;
            add(fmt::format("tokenizer.ggml.{}_token_id", id.ours), static_cast<uint32_t>(ids.front()));
            if (id.theirs != "eos" || ids.size() == 1) continue;
            std::vector<uint32_t> all(ids.begin(), ids.end());
            add("tokenizer.ggml.eos_token_ids", GgufArray(std::move(all)));
        }
    }

    // Whether texts begin (0) or end (1) with a special token, by the post-processor.
    bool is_put_around(size_t side) const {
        const JsonValue* processor = &json_.post_processor;
        std::vector<const JsonValue*> waiting{processor};
        if (const JsonValue* several = processor->find("processors"))
            for (const JsonValue& one : several->list) waiting.push_back(&one);
        for (const JsonValue* one : waiting) {
            const JsonValue *type = one->find("type"), *single = one->find("single");
            if (!type || type->text != "TemplateProcessing" || !single || single->list.empty()) continue;
            const JsonValue& part = side == 0 ? single->list.front() : single->list.back();
            if (part.find("SpecialToken")) return true;
        }
        return false;
    }

    void add_flag(std::string_view name, bool by_file) {
        const std::string key = fmt::format("add_{}_token", name);
        const JsonValue* said = config_ ? config_->find(key) : nullptr;
        add("tokenizer.ggml." + key, said && said->is(JsonValue::Kind::boolean) ? said->truth : by_file);
    }

    Result<void> add_templates() {
        constexpr const char* kKey = "tokenizer.chat_template";
        KRAIT_TRY(const auto file, find_file(files_.folder, "chat_template.jinja"));
        if (file) {
            KRAIT_TRY(std::string text, read_json_text(*file, kMaxTemplateBytes, "a chat template"));
            add(kKey, std::move(text));
            return {};
        }
        const JsonValue* found = config_ ? config_->find("chat_template") : nullptr;
        if (!found) return {};
        if (found->is(JsonValue::Kind::string)) add(kKey, found->text);
        for (const JsonValue& named : found->list) {
            const JsonValue *name = named.find("name"), *text = named.find("template");
            if (!name || !text || !text->is(JsonValue::Kind::string)) continue;
            add(name->text == "default" ? kKey : fmt::format("{}.{}", kKey, name->text), text->text);
        }
        return {};
    }

    const TokenizerFiles& files_;
    std::vector<std::string>& warnings_;
    TokenizerJson json_;
    std::optional<Config> config_, generation_;
    std::vector<std::string> tokens_;
    std::vector<int32_t> types_;
    std::unordered_map<std::string, int64_t> ids_;
    size_t n_token_ = 0;
    std::vector<GgufMetadata> entries_;
};

}  // namespace

Result<std::vector<GgufMetadata>> read_tokenizer(const TokenizerFiles& files, std::vector<std::string>& warnings) {
    return Builder(files, warnings).build();
}

}  // namespace krait::huggingface
