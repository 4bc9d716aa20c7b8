// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/tokenizer_json.hpp"

#include <algorithm>

#include "core/base/printable.hpp"
#include "formats/huggingface/pre_tokenizers.hpp"

namespace krait::huggingface {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{256} << 20;  // the largest known ones have 33 MB
constexpr size_t kMaxTokens = size_t{1} << 24;

class Reader {
  public:
    Reader(std::string_view text, TokenizerJson& out) : out_(out), cursor_(text, 0, out.file) { cursor_.enter("tokenizer"); }

    Result<void> read() {
        KRAIT_CHECK(cursor_.object("the tokenizer", [&](const std::string& key, uint64_t) -> Result<void> {
            if (key == "model") return read_model();
            if (key == "added_tokens") return read_added();
            JsonValue* const target = key == "normalizer"       ? &normalizer_
                                      : key == "pre_tokenizer"  ? &pre_tokenizer_
                                      : key == "post_processor" ? &out_.post_processor
                                                                : nullptr;
            if (!target) return cursor_.skip_value();
            KRAIT_TRY(*target, read_json_value(cursor_));
            return {};
        }));
        KRAIT_CHECK(cursor_.end("the tokenizer"));
        KRAIT_CHECK(check_model());
        const auto pre = pre_tokenizer_name(normalizer_, pre_tokenizer_, ignores_merges_);
        if (!pre) return fail(pre.error().code, "{}: {}", out_.file, pre.error().message);
        out_.pre = *pre;
        return {};
    }

  private:
    Result<void> read_model() {
        return cursor_.object("the model", [&](const std::string& key, uint64_t) -> Result<void> {
            if (key == "vocab" && cursor_.next_is('{')) return read_vocabulary();
            if (key == "vocab") is_map_ = false;  // of Unigram: pairs of a text and a number
            if (key == "merges") return read_merges();
            JsonValue value;
            if (key == "vocab") return cursor_.skip_value();
            KRAIT_TRY(value, read_json_value(cursor_));
            if (key == "type") type_ = value.text;
            if (key == "ignore_merges") ignores_merges_ = value.is_true();
            if (key == "byte_fallback") has_byte_fallback_ = value.is_true();
            if ((key == "continuing_subword_prefix" || key == "end_of_word_suffix") && !value.text.empty()) affix_ = key;
            return {};
        });
    }

    Result<void> read_vocabulary() {
        return cursor_.object("the vocabulary", [&](const std::string& text, uint64_t at) -> Result<void> {
            KRAIT_TRY(const uint64_t id, cursor_.whole_number("the id"));
            if (id >= kMaxTokens)
                return cursor_.error("token {} at byte {} has the id {}; ids up to {} are possible", quote(text), at, id,
                                     kMaxTokens - 1);
            out_.vocabulary.emplace_back(text, static_cast<int64_t>(id));
            return {};
        });
    }

    // "a b", or ["a", "b"] as newer files have it.
    Result<void> read_merges() {
        return cursor_.array("the merges", [&]() -> Result<void> {
            if (!cursor_.next_is('[')) {
                KRAIT_TRY(std::string merge, cursor_.string("a merge"));
                out_.merges.push_back(std::move(merge));
                return {};
            }
            std::string merge;
            size_t n_part = 0;
            const uint64_t at = cursor_.position();
            KRAIT_CHECK(cursor_.array("a merge", [&]() -> Result<void> {
                KRAIT_TRY(const std::string part, cursor_.string("a part of a merge"));
                merge += (n_part++ == 0 ? "" : " ") + part;
                return {};
            }));
            if (n_part != 2) return cursor_.error("the merge at byte {} has {} parts; 2 are needed", at, n_part);
            out_.merges.push_back(std::move(merge));
            return {};
        });
    }

    Result<void> read_added() {
        return cursor_.array("the added tokens", [&]() -> Result<void> {
            KRAIT_TRY(const JsonValue token, read_json_value(cursor_));
            const JsonValue *content = token.find("content"), *id = token.find("id");
            if (!content || !content->is(JsonValue::Kind::string) || !id || !id->is(JsonValue::Kind::number) ||
                !(id->number >= 0) || !(id->number < static_cast<double>(kMaxTokens)))
                return cursor_.error("the added token at byte {} needs a text \"content\" and an \"id\" from 0 to {}", token.at,
                                     kMaxTokens - 1);
            const auto flag = [&](std::string_view key) {
                const JsonValue* value = token.find(key);
                return value && value->is_true();
            };
            out_.added.push_back({content->text, static_cast<int64_t>(id->number), flag("special"),
                                  flag("lstrip") || flag("rstrip"), flag("single_word")});
            return {};
        });
    }

    Result<void> check_model() const {
        const auto refuse = [&](std::string_view what) {
            return fail(ErrorCode::unsupported, "{}: {}; Krait reads byte-level BPE", out_.file, what);
        };
        // Files of before the field existed are told by their vocabulary.
        const std::string_view type = !type_.empty() ? type_ : is_map_ && !out_.merges.empty() ? "BPE" : "unnamed";
        if (type != "BPE" || !is_map_) return refuse(fmt::format("its model is of the type {}", quote(type)));
        if (has_byte_fallback_) return refuse("its BPE falls back to bytes, as SentencePiece's does");
        if (!affix_.empty()) return refuse(fmt::format("its BPE has a '{}'", affix_));
        if (out_.vocabulary.empty()) return fail(ErrorCode::corrupt_file, "{}: its model has no vocabulary", out_.file);
        return {};
    }

    TokenizerJson& out_;
    JsonCursor cursor_;
    std::string type_, affix_;
    bool is_map_ = true, ignores_merges_ = false, has_byte_fallback_ = false;
    JsonValue normalizer_, pre_tokenizer_;
};

}  // namespace

Result<TokenizerJson> TokenizerJson::open(const std::filesystem::path& path) {
    TokenizerJson tokenizer;
    tokenizer.file = path.string();
    KRAIT_TRY(const std::string text, read_json_text(path, kMaxBytes, "a tokenizer"));
    KRAIT_CHECK(Reader(text, tokenizer).read());
    return tokenizer;
}

}  // namespace krait::huggingface
