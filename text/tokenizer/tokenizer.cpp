// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/tokenizer.hpp"

#include <functional>
#include <limits>

#include "core/base/utf8.hpp"
#include "text/tokenizer/byte_alphabet.hpp"
#include "text/tokenizer/nfc.hpp"
#include "text/tokenizer/tokenizer_data.hpp"

namespace krait {

namespace {

// Calls on_hit(id) for every literal of `matcher` in `text` that touches none of the plain parts, and on_rest(view) for what
// lies between, in order.
template <class OnHit, class OnRest>
Result<void> cut_out(const LiteralMatcher& matcher, std::string_view text, OnHit on_hit, OnRest on_rest,
                     std::span<const ByteRange> plain_parts = {}) {
    size_t done = 0, searched = 0;
    for (size_t part = 0; part <= plain_parts.size(); ++part) {
        const bool is_last = part == plain_parts.size();
        const std::string_view before = text.substr(0, is_last ? text.size() : plain_parts[part].begin);
        while (const auto hit = matcher.find(before, searched)) {
            if (hit->begin > done) KRAIT_CHECK(on_rest(text.substr(done, hit->begin - done)));
            on_hit(hit->id);
            done = searched = hit->end;
        }
        if (!is_last) searched = plain_parts[part].end;
    }
    return done < text.size() ? on_rest(text.substr(done)) : Result<void>{};
}

// How many bytes of `text` are characters, until the first that are none.
size_t valid_prefix(std::string_view text) {
    size_t valid = 0;
    while (valid < text.size()) {
        const Utf8Step step = utf8_step(text.substr(valid));
        if (step.kind != Utf8Kind::character) break;
        valid += step.length;
    }
    return valid;
}

// How many bytes of `text` are none, until the first character.
size_t invalid_prefix(std::string_view text) {
    size_t invalid = 0;
    while (invalid < text.size()) {
        const Utf8Step step = utf8_step(text.substr(invalid));
        if (step.kind == Utf8Kind::character) break;
        invalid += step.length;
    }
    return invalid;
}

// A replacement takes three tokens where one byte was, and positions are int32_t.
Result<void> expect_short(std::string_view text) {
    constexpr size_t kMax = std::numeric_limits<int32_t>::max() / 3;
    if (text.size() <= kMax) return {};
    return fail(ErrorCode::invalid_argument, "a text of {} bytes is too long to encode at once: at most {}", text.size(), kMax);
}

// One call of Tokenizer::encode: the tables, and scratch that lives as long as the call. `Tables` is Tokenizer::Data.
template <class Tables>
class Encoding {
  public:
    Encoding(const Tables& tables, std::string_view text, const EncodeOptions& options)
        : tables_(tables), text_(text), options_(options), encoder_(tables.merges) {}

    Result<std::vector<int32_t>> run() {
        if (options_.add_bos && tables_.add_bos) ids_.push_back(*tables_.bos);
        const auto take = [this](int32_t id) { ids_.push_back(id); };
        const auto plain = [this](std::string_view part) { return encode_plain(part); };
        const auto without_control = [&](std::string_view part) -> Result<void> {
            if (!tables_.pre_tokenizer->wants_nfc() || is_nfc_for_sure(part))
                return cut_out(tables_.user_defined, part, take, plain);
            const std::string composed = compose(part);
            if (composed == part) return cut_out(tables_.user_defined, part, take, plain);  // so that messages have its places
            KRAIT_CHECK(expect_short(composed));
            return cut_out(tables_.user_defined, composed, take, plain);
        };
        if (options_.parse_special) {
            KRAIT_CHECK(cut_out(tables_.control, text_, take, without_control, options_.plain_parts));
        } else {
            KRAIT_CHECK(without_control(text_));
        }
        if (options_.add_eos && tables_.add_eos) ids_.push_back(*tables_.eos);
        return std::move(ids_);
    }

  private:
    // Runs of characters in NFC; other bytes stay as they are.
    static std::string compose(std::string_view text) {
        std::string composed;
        while (!text.empty()) {
            const size_t n_valid = valid_prefix(text);
            composed += to_nfc(text.substr(0, n_valid));
            text.remove_prefix(n_valid);
            const size_t n_other = invalid_prefix(text);
            composed += text.substr(0, n_other);
            text.remove_prefix(n_other);
        }
        return composed;
    }

    // Runs of characters go through the pre-tokenizer, runs of other bytes are one piece each.
    Result<void> encode_plain(std::string_view text) {
        while (!text.empty()) {
            const std::string_view characters = text.substr(0, valid_prefix(text));
            pieces_.clear();
            KRAIT_CHECK(tables_.pre_tokenizer->split(characters, pieces_));
            for (const std::string_view piece : pieces_) KRAIT_CHECK(encode_piece(piece));
            text.remove_prefix(characters.size());

            const std::string_view other = text.substr(0, invalid_prefix(text));
            KRAIT_CHECK(encode_piece(other));
            text.remove_prefix(other.size());
        }
        return {};
    }

    Result<void> encode_piece(std::string_view piece) {
        if (tables_.pre_tokenizer->whole_pieces_first()) {
            std::string written;
            for (const char c : piece) written += byte_to_alphabet(static_cast<uint8_t>(c));
            const auto id = tables_.find(written);
            if (id && tables_.types[*id] != TokenType::control && tables_.bytes[*id] == piece) {
                ids_.push_back(*id);
                return {};
            }
        }
        row_.clear();
        for (const char& c : piece) {
            const int32_t token = tables_.byte_tokens[static_cast<uint8_t>(c)];
            if (token >= 0) {
                row_.push_back(token);
            } else if (!options_.replace_unencodable) {
                return fail(ErrorCode::unsupported, "{} is 0x{:02X}, for which this vocabulary has no token", place_of(c),
                            static_cast<uint8_t>(c));
            } else {
                for (const char r : kReplacementCharacter) {
                    const int32_t part = tables_.byte_tokens[static_cast<uint8_t>(r)];
                    if (part < 0) {
                        return fail(ErrorCode::unsupported,
                                    "{} is 0x{:02X}: this vocabulary has no token for it, nor for U+FFFD in its place",
                                    place_of(c), static_cast<uint8_t>(c));
                    }
                    row_.push_back(part);
                }
            }
        }
        encoder_.encode(row_, ids_);
        return {};
    }

    // For messages; a text that was composed has places of its own.
    std::string place_of(const char& c) const {
        const bool is_inside = std::greater_equal<>()(&c, text_.data()) && std::less<>()(&c, text_.data() + text_.size());
        return is_inside ? fmt::format("byte {} of the text", &c - text_.data()) : "a byte of the text in NFC";
    }

    const Tables& tables_;
    const std::string_view text_;
    const EncodeOptions options_;
    BytePairEncoder encoder_;
    std::vector<int32_t> ids_;
    std::vector<int32_t> row_;
    std::vector<std::string_view> pieces_;
};

}  // namespace

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
    KRAIT_CHECK(expect_short(text));
    if (!data_->pre_tokenizer) return tl::unexpected<Error>(data_->pre_tokenizer.error());
    return Encoding(*data_, text, options).run();
}

Result<std::string> Tokenizer::decode(std::span<const int32_t> ids, DecodeOptions options) const {
    std::string text;
    for (size_t i = 0; i < ids.size(); ++i) {
        if (!data_->has(ids[i])) {
            return fail(ErrorCode::invalid_argument, "token {} of {} is {}, but ids go from 0 to {}", i, ids.size(), ids[i],
                        size() - 1);
        }
        if (options.control || !is_control(ids[i])) text += data_->bytes[ids[i]];
    }
    return text;
}

std::string_view Tokenizer::token_bytes(int32_t id) const { return data_->has(id) ? data_->bytes[id] : std::string_view(); }
std::string_view Tokenizer::token_text(int32_t id) const { return data_->has(id) ? data_->texts[id] : std::string_view(); }
TokenType Tokenizer::token_type(int32_t id) const { return data_->has(id) ? data_->types[id] : TokenType::unused; }
std::optional<int32_t> Tokenizer::find(std::string_view token_text) const { return data_->find(token_text); }

const std::vector<std::string>& Tokenizer::warnings() const { return data_->warnings; }

int32_t Tokenizer::size() const { return static_cast<int32_t>(data_->texts.size()); }
std::optional<int32_t> Tokenizer::bos() const { return data_->bos; }
std::optional<int32_t> Tokenizer::eos() const { return data_->eos; }
std::optional<int32_t> Tokenizer::unk() const { return data_->unk; }
std::optional<int32_t> Tokenizer::pad() const { return data_->pad; }

bool Tokenizer::has_second_bos(std::span<const int32_t> ids) const {
    return data_->bos && ids.size() > 1 && ids[0] == *data_->bos && ids[1] == *data_->bos;
}

bool Tokenizer::covers_all_bytes() const {
    for (const int32_t token : data_->byte_tokens) {
        if (token < 0) return false;
    }
    return true;
}

}  // namespace krait
