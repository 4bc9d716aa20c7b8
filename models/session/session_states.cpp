// SPDX-License-Identifier: Apache-2.0
//
// Session: states as bytes, and to other devices.
#include <algorithm>
#include <utility>

#include "core/base/scope_exit.hpp"
#include "models/memory/state_file.hpp"
#include "models/session/session.hpp"

namespace krait {
Result<std::vector<std::byte>> Session::save(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    const Sequence& source = at(sequence);
    if (source.broken)
        return fail(ErrorCode::invalid_argument, "sequence {} was interrupted by an error of its device; it cannot be saved",
                    sequence);
    StateFile file;
    file.model_hash = model_->hash();
    file.tokens = source.tokens;
    file.position = source.position;
    const auto read = [&](int32_t slot, std::vector<std::byte>& state) {
        state.resize(states_.slot_bytes());
        return states_.export_slot(executor_, slot, state);
    };
    if (source.slot >= 0) KRAIT_CHECK(read(source.slot, file.state));
    for (const Snapshot& snapshot : source.snapshots) {
        file.snapshots.push_back({snapshot.n_tok, snapshot.position, {}});
        KRAIT_CHECK(read(snapshot.slot, file.snapshots.back().state));
    }
    return encode_state_file(file);
}

Result<void> Session::restore(int32_t sequence, std::span<const std::byte> bytes) {
    KRAIT_CHECK(check_sequence(sequence));
    KRAIT_TRY(StateFile file, decode_state_file(bytes));
    if (file.model_hash != model_->hash())
        return fail(ErrorCode::invalid_argument,
                    "the saved state belongs to another model (hash {:016x}, this one has {:016x})", file.model_hash,
                    model_->hash());
    if (!file.state.empty() && file.state.size() != states_.slot_bytes())
        return fail(ErrorCode::corrupt_file, "the saved state has {} bytes, this model's has {}", file.state.size(),
                    states_.slot_bytes());
    if (file.state.empty() != file.tokens.empty())
        return fail(ErrorCode::corrupt_file, "the saved state has {} tokens and {} bytes: both or neither", file.tokens.size(),
                    file.state.size());
    for (const int32_t token : file.tokens)
        if (token < 0 || token >= model_->shape().n_vocab)
            return fail(ErrorCode::corrupt_file, "the saved state names token {}, which this model has not", token);
    Sequence& target = at(sequence);
    clear(target);
    if (file.state.empty()) return {};
    // Until all is there the sequence has neither the old state nor the new one.
    target.broken = true;
    const ScopeExit all_or_nothing([&] {
        if (!target.broken) return;
        clear(target);
        target.broken = true;
    });
    KRAIT_TRY(target.slot, states_.acquire());
    KRAIT_CHECK(states_.import_slot(executor_, target.slot, file.state));
    // The latest snapshots, as many as there is room for.
    const size_t n_kept = std::min(file.snapshots.size(), static_cast<size_t>(snapshots_.max() - snapshots_.in_use()));
    target.snapshots.reserve(n_kept);
    for (const StateFile::Snapshot& saved : std::span(file.snapshots).last(n_kept)) {
        KRAIT_TRY(const int32_t slot, states_.acquire());
        target.snapshots.push_back({static_cast<size_t>(saved.n_tok), saved.position, slot});
        snapshots_.add(slot);
        KRAIT_CHECK(states_.import_slot(executor_, slot, saved.state));
    }
    target.tokens = std::move(file.tokens);
    target.position = file.position;
    target.broken = false;
    return {};
}

Result<void> Session::move_to(std::shared_ptr<const Model> model) {
    if (model->hash() != model_->hash())
        return fail(ErrorCode::invalid_argument,
                    "a session moves to other devices, not to another model (hash {:016x}, this one has {:016x})",
                    model->hash(), model_->hash());
    KRAIT_TRY(Session moved, create(std::move(model), options_));
    std::vector<std::byte> state(states_.slot_bytes());
    std::vector<int32_t> new_slot(static_cast<size_t>(states_.n_slots()), -1);  // sequences that share one go on sharing it
    const auto move = [&](int32_t& slot) -> Result<void> {
        int32_t& there = new_slot[static_cast<size_t>(slot)];
        if (there < 0) {
            KRAIT_CHECK(states_.export_slot(executor_, slot, state));
            KRAIT_TRY(there, moved.states_.acquire());
            KRAIT_CHECK(moved.states_.import_slot(moved.executor_, there, state));
        } else {
            moved.states_.retain(there);
        }
        slot = there;
        return {};
    };
    for (size_t i = 0; i < sequences_.size(); ++i) {
        Sequence& target = moved.sequences_[i];
        target = sequences_[i];
        if (target.slot >= 0) KRAIT_CHECK(move(target.slot));
        target.planned = target.slot;
        for (Snapshot& snapshot : target.snapshots) {
            KRAIT_CHECK(move(snapshot.slot));
            moved.snapshots_.add(snapshot.slot);
        }
    }
    // Swapped, so that what was there ends as a session does: runs before states, states before devices.
    std::swap(*this, moved);
    return {};
}

}  // namespace krait
