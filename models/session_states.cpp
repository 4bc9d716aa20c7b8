// SPDX-License-Identifier: Apache-2.0
//
// Session: states as bytes, and to other devices.
#include <utility>

#include "models/session.hpp"
#include "models/state_file.hpp"

namespace krait {
namespace {

constexpr auto kBad = ErrorCode::invalid_argument;

}  // namespace

Result<std::vector<std::byte>> Session::save(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    const Sequence& source = sequences_[static_cast<size_t>(sequence)];
    if (source.broken) return fail(kBad, "sequence {} was interrupted by an error of its device; it cannot be saved", sequence);
    StateFile file;
    file.model_hash = model_->hash();
    file.tokens = source.tokens;
    if (source.slot >= 0) {
        file.state.resize(states_.slot_bytes());
        KRAIT_CHECK(states_.export_slot(executor_, source.slot, file.state));
    }
    return encode_state_file(file);
}

Result<void> Session::restore(int32_t sequence, std::span<const std::byte> bytes) {
    KRAIT_CHECK(check_sequence(sequence));
    KRAIT_TRY(StateFile file, decode_state_file(bytes));
    if (file.model_hash != model_->hash())
        return fail(kBad, "the saved state belongs to another model (hash {:016x}, this one has {:016x})", file.model_hash,
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
    Sequence& target = sequences_[static_cast<size_t>(sequence)];
    forget(target);
    if (file.state.empty()) return {};
    KRAIT_TRY(const int32_t slot, states_.acquire());
    if (auto imported = states_.import_slot(executor_, slot, file.state); !imported) {
        states_.release(slot);
        target.broken = true;  // neither the old state nor the new one
        return imported;
    }
    target.slot = slot;
    target.tokens = std::move(file.tokens);
    return {};
}

Result<void> Session::move_to(std::shared_ptr<const Model> model) {
    if (model->hash() != model_->hash())
        return fail(kBad, "a session moves to other devices, not to another model (hash {:016x}, this one has {:016x})",
                    model->hash(), model_->hash());
    KRAIT_TRY(Session moved, create(std::move(model), options_));
    std::vector<std::byte> state(states_.slot_bytes());
    std::vector<int32_t> new_slot(static_cast<size_t>(states_.n_slots()), -1);  // sequences that share one go on sharing it
    for (size_t i = 0; i < sequences_.size(); ++i) {
        Sequence& target = moved.sequences_[i];
        target = sequences_[i];
        if (target.slot < 0) continue;
        int32_t& slot = new_slot[static_cast<size_t>(target.slot)];
        if (slot < 0) {
            KRAIT_CHECK(states_.export_slot(executor_, target.slot, state));
            KRAIT_TRY(slot, moved.states_.acquire());
            KRAIT_CHECK(moved.states_.import_slot(moved.executor_, slot, state));
        } else {
            moved.states_.share(slot);
        }
        target.slot = target.planned = slot;
    }
    // Swapped, so that what was there ends as a session does: runs before states, states before devices.
    std::swap(*this, moved);
    return {};
}

}  // namespace krait
