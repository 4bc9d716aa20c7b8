// SPDX-License-Identifier: Apache-2.0
#include "models/evaluation/continuations.hpp"

#include <algorithm>

namespace krait {

int64_t logits_rows(const Model& model) {
    constexpr int64_t kBytes = int64_t{64} << 20;
    return std::max<int64_t>(1, kBytes / (static_cast<int64_t>(sizeof(float)) * model.shape().n_vocab));
}

Result<void> visit_logits(Session& session, std::span<const Continuation> continuations, const DecodeControl& control,
                          const LogitsVisitor& visit) {
    const auto n_token = static_cast<size_t>(session.model().n_token());
    const auto room = static_cast<size_t>(logits_rows(session.model()));
    int64_t total = 0, before = 0;
    for (const Continuation& continuation : continuations) total += static_cast<int64_t>(continuation.tokens.size());

    std::vector<SequenceInput> batch;
    std::vector<size_t> owner;  // the continuation of each entry of the batch
    for (size_t first = 0; before < total;) {
        const auto n_left = static_cast<size_t>(
            std::count_if(continuations.begin(), continuations.end(), [&](const auto& c) { return c.tokens.size() > first; }));
        const size_t step = std::max<size_t>(1, room / n_left);
        batch.clear();
        owner.clear();
        for (size_t c = 0; c < continuations.size(); ++c) {
            const auto tokens = continuations[c].tokens;
            if (tokens.size() <= first) continue;
            const auto part = tokens.subspan(first, std::min(step, tokens.size() - first));
            batch.push_back({.sequence = continuations[c].sequence, .tokens = part, .want = WantLogits::all});
            owner.push_back(c);
        }
        DecodeControl decode{.cancel = control.cancel};
        if (control.progress) decode.progress = [&](int64_t done, int64_t) { control.progress(before + done, total); };
        KRAIT_CHECK(session.decode(batch, decode));
        for (size_t b = 0; b < batch.size(); ++b) {
            for (size_t row = 0; row < batch[b].tokens.size(); ++row)
                KRAIT_CHECK(visit(owner[b], first + row, session.logits(b, row).first(n_token)));
            before += static_cast<int64_t>(batch[b].tokens.size());
        }
        first += step;
    }
    return {};
}

}  // namespace krait
