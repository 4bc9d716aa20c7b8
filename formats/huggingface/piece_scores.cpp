// SPDX-License-Identifier: Apache-2.0
#include "formats/huggingface/piece_scores.hpp"

#include <unordered_map>
#include <unordered_set>

#include "core/base/printable.hpp"

namespace krait::huggingface {
namespace {

tl::unexpected<Error> refuse(std::string_view why) {
    return fail(ErrorCode::unsupported, "its merges are not those of a sentencepiece model: {}", why);
}

}  // namespace

Result<void> score_by_merges(std::span<const std::string> merges, std::vector<Piece>& pieces) {
    std::unordered_map<std::string_view, Piece*> normal;
    for (Piece& piece : pieces)
        if (piece.type == PieceType::normal) normal.emplace(piece.text, &piece);

    std::unordered_set<std::string_view> pairs(merges.begin(), merges.end());
    std::unordered_set<std::string_view> made;
    std::string text, last;
    for (size_t rank = 0; rank < merges.size(); ++rank) {
        text = merges[rank];
        if (const size_t blank = text.find(' '); blank != text.npos) text.erase(blank, 1);
        if (rank > 0 && text == last) continue;
        const auto found = normal.find(text);
        if (found == normal.end()) continue;  // of pieces that are none, or of a token that is cut out as a whole
        if (!made.insert(found->first).second)
            return refuse(fmt::format("those that make {} do not stand together, as merge {} shows", quote(text), rank));
        found->second->score = -static_cast<float>(rank);
        last = text;
    }
    for (const auto& [piece, entry] : normal)
        for (size_t cut = 1; cut < piece.size(); ++cut) {
            if ((static_cast<uint8_t>(piece[cut]) & 0xC0) == 0x80) continue;
            const std::string_view left = piece.substr(0, cut), right = piece.substr(cut);
            if (!normal.contains(left) || !normal.contains(right)) continue;
            text.assign(left).append(" ").append(right);
            if (!pairs.contains(text))
                return refuse(
                    fmt::format("{} and {} make {}, and are not among them", quote(left), quote(right), quote(piece)));
        }
    return {};
}

}  // namespace krait::huggingface
