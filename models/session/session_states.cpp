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
    if (source.state) KRAIT_CHECK(read(source.state.slot(), file.state));
    for (const Snapshot& snapshot : source.snapshots) {
        file.snapshots.push_back({snapshot.n_tok, snapshot.position, {}});
        KRAIT_CHECK(read(snapshot.state.slot(), file.snapshots.back().state));
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
    target = {};
    if (file.state.empty()) return {};
    // Until all is there the sequence has neither the old state nor the new one.
    target.broken = true;
    const auto import = [&](std::span<const std::byte> state) -> Result<StateRef> {
        KRAIT_TRY(StateRef imported, states_.slots()->acquire());
        KRAIT_CHECK(states_.import_slot(executor_, imported.slot(), state));
        return imported;
    };
    Sequence restored{.position = file.position, .tokens = std::move(file.tokens), .snapshots = {}};
    KRAIT_TRY(restored.state, import(file.state));
    // The latest snapshots, as many as there is room for.
    const size_t n_kept =
        std::min(file.snapshots.size(), static_cast<size_t>(options_.max_snapshots - states_.slots()->n_snapshots()));
    restored.snapshots.reserve(n_kept);
    for (const StateFile::Snapshot& saved : std::span(file.snapshots).last(n_kept)) {
        KRAIT_TRY(const StateRef state, import(saved.state));
        restored.snapshots.push_back({static_cast<size_t>(saved.n_tok), saved.position, state.share_as_snapshot()});
    }
    target = std::move(restored);
    return {};
}

Result<void> Session::move_to(std::shared_ptr<const Model> model) {
    if (model->hash() != model_->hash())
        return fail(ErrorCode::invalid_argument,
                    "a session moves to other devices, not to another model (hash {:016x}, this one has {:016x})",
                    model->hash(), model_->hash());
    KRAIT_TRY(Session moved, create(std::move(model), options_));
    std::vector<std::byte> state(states_.slot_bytes());
    std::vector<StateRef> moved_slots(static_cast<size_t>(states_.n_slots()));  // sequences that share one go on sharing it
    const auto move = [&](const StateRef& from) -> Result<const StateRef*> {
        StateRef& there = moved_slots[static_cast<size_t>(from.slot())];
        if (!there) {
            KRAIT_CHECK(states_.export_slot(executor_, from.slot(), state));
            KRAIT_TRY(there, moved.states_.slots()->acquire());
            KRAIT_CHECK(moved.states_.import_slot(moved.executor_, there.slot(), state));
        }
        return &there;
    };
    for (size_t i = 0; i < sequences_.size(); ++i) {
        const Sequence& source = sequences_[i];
        Sequence& target = moved.sequences_[i];
        target = {.broken = source.broken, .position = source.position, .tokens = source.tokens, .snapshots = {}};
        if (source.state) {
            KRAIT_TRY(const StateRef* there, move(source.state));
            target.state = there->share();
        }
        for (const Snapshot& snapshot : source.snapshots) {
            KRAIT_TRY(const StateRef* there, move(snapshot.state));
            target.snapshots.push_back({snapshot.n_tok, snapshot.position, there->share_as_snapshot()});
        }
    }
    // Swapped, so that what was there ends as a session does: runs before states, states before devices.
    std::swap(*this, moved);
    return {};
}

}  // namespace krait
