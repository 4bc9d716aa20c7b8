// SPDX-License-Identifier: Apache-2.0
//
// Numbers of fields are those of sentencepiece_model.proto (Apache-2.0); so are the values that a field has which is not there.
#include "formats/huggingface/sentencepiece_model.hpp"

#include <bit>
#include <cmath>

#include "core/base/input_file.hpp"
#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "formats/huggingface/protobuf_cursor.hpp"

namespace krait::huggingface {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{64} << 20;  // the largest known ones have 4 MB

class Reader {
  public:
    Reader(std::string_view bytes, const std::string& file) : model_(bytes, 0, file) { parts_.file = file; }

    Result<TokenizerParts> read() {
        ProtobufField field;
        for (;;) {
            KRAIT_TRY(const bool is_there, model_.next(field));
            if (!is_there) break;
            if (field.number >= 1 && field.number <= 3 && !field.has_bytes)
                return model_.error("field {} at byte {} is a number, where a message is needed", field.number, field.at);
            if (field.number == 1) KRAIT_CHECK(read_piece(field));
            if (field.number == 2) KRAIT_CHECK(read_trainer(model_.inside(field)));
            if (field.number == 3) KRAIT_CHECK(read_normalizer(model_.inside(field)));
        }
        return finish();
    }

  private:
    Result<void> read_piece(const ProtobufField& piece_field) {
        Piece piece{.id = static_cast<int64_t>(parts_.pieces.size())};
        if (piece.id >= kMaxTokens) return model_.error("piece {} at byte {} is one too many", piece.id, piece_field.at);
        ProtobufCursor cursor = model_.inside(piece_field);
        ProtobufField field;
        uint64_t type = 1;
        for (;;) {
            KRAIT_TRY(const bool is_there, cursor.next(field));
            if (!is_there) break;
            if (field.number == 1) piece.text = field.bytes;
            if (field.number == 2) piece.score = std::bit_cast<float>(static_cast<uint32_t>(field.value));
            if (field.number == 3) type = field.value;
        }
        if (type < 1 || type > 6)
            return model_.error("piece {} at byte {} is of the type {}; 1 to 6 are possible", piece.id, piece_field.at, type);
        if (!std::isfinite(piece.score))
            return model_.error("piece {} at byte {} has the score {}; a finite number is needed", piece.id, piece_field.at,
                                piece.score);
        if (piece.text.empty()) return model_.error("piece {} at byte {} has no text", piece.id, piece_field.at);
        if (!is_utf8(piece.text)) return model_.error("piece {} at byte {} is not UTF-8", piece.id, piece_field.at);
        piece.type = static_cast<PieceType>(type);
        parts_.pieces.push_back(std::move(piece));
        return {};
    }

    Result<void> read_trainer(ProtobufCursor cursor) {
        ProtobufField field;
        for (;;) {
            KRAIT_TRY(const bool is_there, cursor.next(field));
            if (!is_there) return {};
            switch (field.number) {
                case 3: model_type_ = field.value; break;
                case 24: parts_.rules.treat_whitespace_as_suffix = field.value != 0; break;
                case 40: unk_ = to_id(field.value); break;
                case 41: bos_ = to_id(field.value); break;
                case 42: eos_ = to_id(field.value); break;
                case 43: pad_ = to_id(field.value); break;
                default: break;
            }
        }
    }

    Result<void> read_normalizer(ProtobufCursor cursor) {
        ProtobufField field;
        for (;;) {
            KRAIT_TRY(const bool is_there, cursor.next(field));
            if (!is_there) return {};
            switch (field.number) {
                case 2: parts_.rules.charsmap = field.bytes; break;
                case 3: adds_blank_ = field.value != 0; break;
                case 4: removes_extra_ = field.value != 0; break;
                case 5: escapes_blanks_ = field.value != 0; break;
                default: break;
            }
        }
    }

    // -1 is none; so is what no vocabulary has.
    static int64_t to_id(uint64_t value) {
        return value < static_cast<uint64_t>(kMaxTokens) ? static_cast<int64_t>(value) : -1;
    }

    Result<TokenizerParts> finish() {
        constexpr uint64_t kUnigram = 1, kBpe = 2;
        if (parts_.pieces.empty()) return model_.error("there are no pieces; is it a model of sentencepiece?");
        if (model_type_ != kUnigram && model_type_ != kBpe)
            return fail(ErrorCode::unsupported, "{}: its model type is {}; 1 (Unigram) and 2 (BPE) are read", parts_.file,
                        model_type_);
        if (!escapes_blanks_)
            return fail(ErrorCode::unsupported, "{}: it keeps blanks as they are ('escape_whitespaces' is false)", parts_.file);
        parts_.rules.model = model_type_ == kBpe ? "llama" : "t5";
        parts_.rules.blank = adds_blank_ ? Blank::every_part : Blank::never;
        parts_.rules.remove_extra_whitespaces = removes_extra_;
        const auto n_piece = static_cast<int64_t>(parts_.pieces.size());
        const auto set = [&](std::optional<int64_t>& id, int64_t value) {
            if (value >= 0 && value < n_piece) id = value;
        };
        set(parts_.unk, unk_);
        set(parts_.bos, bos_);
        set(parts_.eos, eos_);
        set(parts_.pad, pad_);
        return std::move(parts_);
    }

    ProtobufCursor model_;
    TokenizerParts parts_;
    uint64_t model_type_ = 1;
    int64_t unk_ = 0, bos_ = 1, eos_ = 2, pad_ = -1;
    bool adds_blank_ = true, removes_extra_ = true, escapes_blanks_ = true;
};

}  // namespace

Result<TokenizerParts> parse_sentencepiece_model(std::string_view bytes, const std::string& file) {
    return Reader(bytes, file).read();
}

Result<TokenizerParts> read_sentencepiece_model(const std::filesystem::path& path) {
    KRAIT_TRY(const InputFile file, InputFile::open(path));
    if (file.size() > kMaxBytes)
        return fail(ErrorCode::unsupported, "{}: a tokenizer of {} bytes; at most {} are read", path.string(), file.size(),
                    kMaxBytes);
    std::string bytes(static_cast<size_t>(file.size()), '\0');
    KRAIT_CHECK(file.read(0, std::as_writable_bytes(std::span(bytes))));
    return parse_sentencepiece_model(bytes, path.string());
}

}  // namespace krait::huggingface
