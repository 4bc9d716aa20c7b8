// SPDX-License-Identifier: Apache-2.0
//
// "t5": the Unigram model of sentencepiece. Of all ways to cut a text into pieces, the one with the highest sum of scores,
// found by the algorithm of Viterbi. A character that is no piece costs 10 more than the worst piece, and becomes the unknown
// token or its bytes. T. Kudo, "Subword Regularization", ACL 2018.
//
// Sums are float, as those of sentencepiece, so that near ties fall alike.
#include <algorithm>
#include <limits>

#include "core/base/utf8.hpp"
#include "text/tokenizer/kinds/kind.hpp"
#include "text/tokenizer/sentencepiece_normalizer.hpp"

namespace krait {

namespace {

constexpr float kUnknownPenalty = 10;

class Unigram final : public TokenizerKind {
  public:
    Unigram(const TokenizerSpec& spec, const Vocabulary& vocabulary, SentencePieceNormalizer normalizer)
        : vocabulary_(vocabulary),
          normalizer_(std::move(normalizer)),
          scores_(spec.scores),
          has_all_bytes_(vocabulary.covers_all_bytes()) {
        std::vector<std::pair<std::string, int32_t>> pieces;
        float lowest = std::numeric_limits<float>::max();
        for (int32_t id = 0; id < vocabulary.size(); ++id) {
            const TokenType type = vocabulary.types[id];
            if (type == TokenType::normal) {
                lowest = std::min(lowest, scores_[id]);
                highest_ = std::max(highest_, scores_[id]);
            }
            if ((type == TokenType::normal || type == TokenType::user_defined) && !vocabulary.texts[id].empty())
                pieces.emplace_back(vocabulary.texts[id], id);
        }
        unknown_score_ = lowest - kUnknownPenalty;
        trie_ = ByteTrie(std::move(pieces), spec.keep_going);
    }
    std::unique_ptr<PartEncoder> encoder(const EncodeContext& context) const override;

    const Vocabulary& vocabulary_;
    const SentencePieceNormalizer normalizer_;
    const std::vector<float> scores_;
    ByteTrie trie_;
    float highest_ = std::numeric_limits<float>::min(), unknown_score_ = 0;
    const bool has_all_bytes_;
};

class Encoder final : public PartEncoder {
  public:
    Encoder(const Unigram& kind, const EncodeContext& context) : kind_(kind), context_(context) {}

    Result<void> encode(std::string_view part, bool begins_text, std::vector<int32_t>& ids) override {
        const std::string text = kind_.normalizer_.normalize(part, begins_text);
        best_.assign(text.size() + 1, {});
        for (size_t begin = 0; begin < text.size();) begin += add_pieces(text, begin);
        ends_.clear();
        for (size_t end = text.size(); end > 0; end = best_[end].begin) ends_.push_back(end);
        bool is_behind_unknown = false;
        for (auto end = ends_.rbegin(); end != ends_.rend(); ++end) {
            const Path& path = best_[*end];
            if (path.token != kUnknown) {
                ids.push_back(path.token);
                is_behind_unknown = false;
                continue;
            }
            KRAIT_CHECK(context_.append_unknown(std::string_view(text).substr(path.begin, *end - path.begin),
                                                kind_.has_all_bytes_, is_behind_unknown, kind_.vocabulary_, ids));
            is_behind_unknown = true;
        }
        return {};
    }

  private:
    static constexpr int32_t kUnknown = -1, kNoPath = -2;
    struct Path {  // the best one that ends at a place
        float score = 0;
        int32_t token = kNoPath;
        size_t begin = 0;  // of its last piece
    };
    void offer(size_t begin, size_t end, double score, int32_t token) {
        Path& path = best_[end];
        if (path.token == kNoPath || score > static_cast<double>(path.score)) path = {static_cast<float>(score), token, begin};
    }
    // All pieces that begin at a place; returns the length of the character there.
    size_t add_pieces(std::string_view text, size_t begin) {
        const size_t character = utf8_step(text.substr(begin)).length;
        const float so_far = best_[begin].score;
        bool is_piece = false;
        kind_.trie_.for_each_prefix(text.substr(begin), [&](ByteTrie::Match match) {
            offer(begin, begin + match.length, score_of(match.value, match.length, so_far), match.value);
            is_piece = is_piece || match.length == character;
        });
        if (!is_piece) offer(begin, begin + character, kind_.unknown_score_ + so_far, kUnknown);
        return character;
    }
    // A user-defined piece wins against all others.
    [[nodiscard]] double score_of(int32_t token, size_t length, float so_far) const {
        const bool is_user_defined = kind_.vocabulary_.types[token] == TokenType::user_defined;
        const double score = is_user_defined ? static_cast<double>(static_cast<float>(length) * kind_.highest_) - 0.1
                                             : static_cast<double>(kind_.scores_[token]);
        return score + static_cast<double>(so_far);
    }

    const Unigram& kind_;
    const EncodeContext& context_;
    std::vector<Path> best_;
    std::vector<size_t> ends_;
};

std::unique_ptr<PartEncoder> Unigram::encoder(const EncodeContext& context) const {
    return std::make_unique<Encoder>(*this, context);
}

Result<std::unique_ptr<const TokenizerKind>> create(const TokenizerSpec& spec, Vocabulary& vocabulary) {
    KRAIT_CHECK(check_scores(spec));
    KRAIT_TRY(auto normalizer, SentencePieceNormalizer::create(spec, vocabulary, vocabulary.covers_all_bytes()));
    return std::make_unique<const Unigram>(spec, vocabulary, std::move(normalizer));
}

}  // namespace

constinit const KindEntry kUnigram{
    .model = "t5", .bytes_of = sentencepiece_bytes_of, .cuts_user_defined = false, .strips_blank = false, .create = create};

}  // namespace krait
