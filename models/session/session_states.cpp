// SPDX-License-Identifier: Apache-2.0
//
// Session: states as bytes, and to other devices.
#include <algorithm>
#include <map>
#include <utility>

#include "models/memory/state_file.hpp"
#include "models/session/session.hpp"

namespace krait {
Result<std::vector<std::byte>> Session::save(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    const Sequence& source = at(sequence);
    if (source.broken)
        return fail(ErrorCode::invalid_argument, "sequence {} was interrupted by an error of its device; it cannot be saved",
                    sequence);
    StateFile file{
        .model_hash = model_->hash(), .tokens = source.tokens, .position = source.position, .snapshots = {}, .sections = {}};
    for (const Snapshot& snapshot : source.snapshots) file.snapshots.push_back({snapshot.n_tok, snapshot.position});
    KRAIT_TRY(file.sections, memory_.save(executor_, source.state, source.snapshots));
    return encode_state_file(file);
}

Result<void> Session::restore(int32_t sequence, std::span<const std::byte> bytes) {
    KRAIT_CHECK(check_sequence(sequence));
    KRAIT_TRY(StateFile file, decode_state_file(bytes));
    if (file.model_hash != model_->hash())
        return fail(ErrorCode::invalid_argument,
                    "the saved state belongs to another model (hash {:016x}, this one has {:016x})", file.model_hash,
                    model_->hash());
    KRAIT_CHECK(memory_.check_sections(file));
    for (const int32_t token : file.tokens)
        if (token < 0 || token >= model_->shape().n_vocab)
            return fail(ErrorCode::corrupt_file, "the saved state names token {}, which this model has not", token);
    Sequence& target = at(sequence);
    if (model_->architecture().has_attention() && static_cast<int64_t>(file.tokens.size()) > max_sequence_tokens_)
        return fail(ErrorCode::out_of_memory,
                    "the saved sequence has {} tokens, and the context of this session is {} (max_sequence_tokens)",
                    file.tokens.size(), max_sequence_tokens_);
    KRAIT_CHECK(check_pages_for(target, static_cast<int64_t>(file.tokens.size())));
    target = {};
    if (file.tokens.empty()) return {};
    // Until all is there the sequence has neither the old state nor the new one.
    target.broken = true;
    // The latest snapshots, as many as there is room for.
    const size_t n_kept =
        std::min(file.snapshots.size(), static_cast<size_t>(options_.max_snapshots - memory_.slots()->n_snapshots()));
    KRAIT_TRY(std::vector<StateRef> states, memory_.load(executor_, file, n_kept));
    Sequence restored{.position = file.position, .tokens = std::move(file.tokens), .snapshots = {}};
    restored.state = std::move(states.back());
    const auto kept = std::span(file.snapshots).last(n_kept);
    for (size_t i = 0; i < n_kept; ++i)
        restored.snapshots.push_back({static_cast<size_t>(kept[i].n_tok), kept[i].position, states[i].share_as_snapshot()});
    target = std::move(restored);
    return {};
}

// Whether there are pages for so many tokens when those that the sequence alone has are free.
Result<void> Session::check_pages_for(const Sequence& sequence, int64_t n_tok) const {
    if (!memory_.pages()) return {};
    const PagePool& pool = *memory_.pages();
    std::map<int32_t, int32_t> n_lists;  // of this sequence, by page
    const auto count = [&](const PageList& list) {
        for (const int32_t page : list.pages()) ++n_lists[page];
    };
    count(sequence.state.pages);
    for (const Snapshot& snapshot : sequence.snapshots) count(snapshot.state.pages);
    int64_t n_free = pool.n_free();
    for (const auto& [page, n] : n_lists) n_free += n == pool.n_lists(page);
    if (pages_of_rows(n_tok) <= n_free) return {};
    return fail(ErrorCode::out_of_memory,
                "the saved sequence has {} tokens, which take {} pages of {}; {} of {} are free when the sequence's own are "
                "given back",
                n_tok, pages_of_rows(n_tok), kRowsPerPage, n_free, pool.n_pages());
}

Result<void> Session::move_to(std::shared_ptr<const Model> model) {
    if (model->hash() != model_->hash())
        return fail(ErrorCode::invalid_argument,
                    "a session moves to other devices, not to another model (hash {:016x}, this one has {:016x})",
                    model->hash(), model_->hash());
    KRAIT_TRY(Session moved, create(std::move(model), options_));
    KRAIT_CHECK(memory_.move_to(executor_, moved.memory_, moved.executor_));
    moved.sequences_ = std::move(sequences_);
    // Swapped, so that what was there ends as a session does: runs before states, states before devices.
    std::swap(*this, moved);
    return {};
}

}  // namespace krait
