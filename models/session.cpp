// SPDX-License-Identifier: Apache-2.0
#include "models/session.hpp"

#include <algorithm>

#include "models/state_file.hpp"

namespace krait {
namespace {

constexpr auto kBad = ErrorCode::invalid_argument;

// A run that gives all of its sequences a new slot needs the old ones until it is over: with sequences that share
// slots in pairs, the worst case, that is half as many again.
int32_t slots_for(int32_t n_seq) { return n_seq + n_seq / 2; }

}  // namespace

Session::Session(std::shared_ptr<const Model> model, graph::Executor executor, StatePool states, const SessionOptions& options)
    : model_(std::move(model)),
      executor_(std::move(executor)),
      states_(std::move(states)),
      max_batch_tokens_(options.max_batch_tokens),
      observer_(options.observer),
      sequences_(static_cast<size_t>(options.max_sequences)) {}

Result<Session> Session::create(std::shared_ptr<const Model> model, const SessionOptions& options) {
    if (options.max_sequences < 1 || options.max_sequences > SessionOptions::kMaxSequences)
        return fail(kBad, "{} sequences: 1 to {} are possible", options.max_sequences, SessionOptions::kMaxSequences);
    if (options.max_batch_tokens < 1) return fail(kBad, "{} tokens a run: at least 1 is needed", options.max_batch_tokens);
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(model->device()));
    KRAIT_TRY(StatePool states, StatePool::create(model->architecture(), *model->device(), slots_for(options.max_sequences)));
    return Session(std::move(model), std::move(executor), std::move(states), options);
}

Result<void> Session::check_sequence(int32_t sequence) const {
    if (sequence >= 0 && sequence < max_sequences()) return {};
    return fail(kBad, "there is no sequence {}: this session has {}, counted from 0", sequence, max_sequences());
}

Result<void> Session::check_batch(std::span<const SequenceInput> batch) const {
    if (batch.empty()) return fail(kBad, "a batch of no sequences: at least one is needed");
    std::vector<bool> seen(sequences_.size(), false);
    for (const SequenceInput& input : batch) {
        KRAIT_CHECK(check_sequence(input.sequence));
        const auto index = static_cast<size_t>(input.sequence);
        if (seen[index]) return fail(kBad, "sequence {} stands twice in the batch", input.sequence);
        seen[index] = true;
        if (sequences_[index].broken)
            return fail(kBad, "sequence {} was interrupted by an error of its device and cannot go on; reset or restore it",
                        input.sequence);
        if (input.tokens.empty()) return fail(kBad, "sequence {} has no tokens: a prompt needs at least one", input.sequence);
        for (size_t t = 0; t < input.tokens.size(); ++t)
            if (input.tokens[t] < 0 || input.tokens[t] >= model_->shape().n_vocab)
                return fail(kBad, "token {} at position {} is out of range: the vocabulary has {} (0 to {})", input.tokens[t],
                            t, model_->shape().n_vocab, model_->shape().n_vocab - 1);
    }
    return {};
}

Result<void> Session::decode(std::span<const SequenceInput> batch, const DecodeControl& control) {
    rows_.clear();
    KRAIT_CHECK(check_batch(batch));
    size_t n_row = 0, n_tok = 0;
    for (const SequenceInput& input : batch) {
        const size_t count = input.want == WantLogits::none ? 0 : input.want == WantLogits::last ? 1 : input.tokens.size();
        rows_.push_back({n_row, count});
        n_row += count;
        n_tok += input.tokens.size();
    }
    logits_.resize(n_row * static_cast<size_t>(model_->shape().n_vocab));

    std::vector<Piece> pieces;
    size_t done = 0, input = 0, first = 0;
    while (done < n_tok) {
        if (control.cancel && control.cancel->load(std::memory_order_relaxed)) {
            rows_.clear();
            return fail(ErrorCode::cancelled, "cancelled after {} of {} tokens", done, n_tok);
        }
        pieces.clear();
        size_t room = static_cast<size_t>(max_batch_tokens_);
        while (room > 0 && input < batch.size()) {
            const size_t count = std::min(room, batch[input].tokens.size() - first);
            pieces.push_back({input, first, count});
            room -= count;
            done += count;
            first += count;
            if (first == batch[input].tokens.size()) {
                ++input;
                first = 0;
            }
        }
        if (auto ok = run(batch, pieces); !ok) {
            rows_.clear();
            return ok;
        }
        if (control.progress) control.progress(static_cast<int64_t>(done), static_cast<int64_t>(n_tok));
    }
    return {};
}

Result<void> Session::run(std::span<const SequenceInput> batch, std::span<const Piece> pieces) {
    std::vector<int32_t> ids, seq_start{0}, src_slot, dst_slot, out_rows;
    for (const Piece& piece : pieces) {
        const SequenceInput& input = batch[piece.input];
        const auto tokens = input.tokens.subspan(piece.first, piece.count);
        const auto row = static_cast<int32_t>(ids.size());
        ids.insert(ids.end(), tokens.begin(), tokens.end());
        seq_start.push_back(static_cast<int32_t>(ids.size()));
        if (input.want == WantLogits::all)
            for (size_t t = 0; t < piece.count; ++t) out_rows.push_back(row + static_cast<int32_t>(t));
        if (input.want == WantLogits::last && piece.first + piece.count == input.tokens.size())
            out_rows.push_back(static_cast<int32_t>(ids.size()) - 1);
    }
    const RunShape shape{static_cast<int64_t>(ids.size()), static_cast<int64_t>(pieces.size()),
                         static_cast<int64_t>(out_rows.size())};
    KRAIT_TRY(graph::Compiled * compiled, executor_.prepare(shape.key(), [&]() -> Result<graph::Graph> {
        KRAIT_TRY(graph::Graph graph, build_forward(*model_, states_, shape));
        if (observer_) keep_activations(graph);
        return graph;
    }));
    const RunTensors tensors = run_tensors(compiled->graph(), shape);

    // A slot that another sequence holds too is read, and the result goes to a new one: copy on write.
    for (const Piece& piece : pieces) {
        const Sequence& sequence = sequences_[static_cast<size_t>(batch[piece.input].sequence)];
        src_slot.push_back(sequence.slot);
        if (sequence.slot >= 0 && !states_.is_shared(sequence.slot)) {
            dst_slot.push_back(sequence.slot);
            continue;
        }
        auto slot = states_.acquire();
        if (!slot) {
            for (size_t i = 0; i < dst_slot.size(); ++i)
                if (dst_slot[i] != src_slot[i]) states_.release(dst_slot[i]);
            return tl::unexpected<Error>(std::move(slot).error());
        }
        dst_slot.push_back(*slot);
    }
    const auto bytes = [](const std::vector<int32_t>& v) { return std::as_bytes(std::span(v)); };
    std::vector<graph::InputBytes> inputs{{tensors.ids, bytes(ids)},
                                          {tensors.seq_start, bytes(seq_start)},
                                          {tensors.src_slot, bytes(src_slot)},
                                          {tensors.dst_slot, bytes(dst_slot)}};
    if (shape.picks_rows()) inputs.push_back({tensors.out_rows, bytes(out_rows)});

    const auto n_vocab = static_cast<size_t>(model_->shape().n_vocab);
    Result<void> done = executor_.run(*compiled, inputs);
    if (done && shape.n_out > 0) {
        // The rows of this run are one stretch of logits_: pieces come in the order of the batch.
        size_t first_row = 0;
        for (const Piece& piece : pieces) {
            const SequenceInput& input = batch[piece.input];
            const bool ends = piece.first + piece.count == input.tokens.size();
            if (input.want == WantLogits::none || (input.want == WantLogits::last && !ends)) continue;
            first_row = rows_[piece.input].first + (input.want == WantLogits::all ? piece.first : 0);
            break;
        }
        const auto out = std::span(logits_).subspan(first_row * n_vocab, static_cast<size_t>(shape.n_out) * n_vocab);
        done = executor_.read(*compiled, tensors.logits, std::as_writable_bytes(out));
    } else if (done) {
        done = executor_.queue().sync();
    }

    if (done && observer_) done = read_activations(executor_, *compiled, observer_);

    // What was queued has ended before slots are given back, and its error is not told again by the next run.
    if (!done) (void)executor_.queue().sync();
    for (size_t i = 0; i < pieces.size(); ++i) {
        Sequence& sequence = sequences_[static_cast<size_t>(batch[pieces[i].input].sequence)];
        const bool in_place = src_slot[i] == dst_slot[i];
        if (done) {
            if (!in_place && src_slot[i] >= 0) states_.release(src_slot[i]);
            sequence.slot = dst_slot[i];
            const auto tokens = batch[pieces[i].input].tokens.subspan(pieces[i].first, pieces[i].count);
            sequence.tokens.insert(sequence.tokens.end(), tokens.begin(), tokens.end());
        } else if (in_place) {
            sequence.broken = true;
        } else {
            states_.release(dst_slot[i]);
        }
    }
    return done;
}

std::span<const float> Session::logits(size_t input) const {
    if (input >= rows_.size() || rows_[input].count == 0) return {};
    return logits(input, rows_[input].count - 1);
}

std::span<const float> Session::logits(size_t input, size_t row) const {
    if (input >= rows_.size() || row >= rows_[input].count) return {};
    const auto n_vocab = static_cast<size_t>(model_->shape().n_vocab);
    return std::span(logits_).subspan((rows_[input].first + row) * n_vocab, n_vocab);
}

Result<std::span<const int32_t>> Session::tokens(int32_t sequence) const {
    KRAIT_CHECK(check_sequence(sequence));
    return std::span<const int32_t>(sequences_[static_cast<size_t>(sequence)].tokens);
}

void Session::forget(Sequence& sequence) {
    if (sequence.slot >= 0) states_.release(sequence.slot);
    sequence = {};
}

Result<void> Session::reset(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    forget(sequences_[static_cast<size_t>(sequence)]);
    return {};
}

Result<void> Session::fork(int32_t from, int32_t to) {
    KRAIT_CHECK(check_sequence(from));
    KRAIT_CHECK(check_sequence(to));
    if (from == to) return {};
    const Sequence& source = sequences_[static_cast<size_t>(from)];
    if (source.broken) return fail(kBad, "sequence {} was interrupted by an error of its device; it cannot be forked", from);
    forget(sequences_[static_cast<size_t>(to)]);
    if (source.slot >= 0) states_.share(source.slot);
    sequences_[static_cast<size_t>(to)] = source;
    return {};
}

Result<std::vector<std::byte>> Session::save(int32_t sequence) {
    KRAIT_CHECK(check_sequence(sequence));
    const Sequence& source = sequences_[static_cast<size_t>(sequence)];
    if (source.broken) return fail(kBad, "sequence {} was interrupted by an error of its device; it cannot be saved", sequence);
    StateFile file;
    file.model_hash = model_->hash();
    file.tokens = source.tokens;
    if (source.slot >= 0) {
        file.state.resize(states_.slot_bytes());
        KRAIT_CHECK(states_.export_slot(executor_.queue(), source.slot, file.state));
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
    if (auto imported = states_.import_slot(executor_.queue(), slot, file.state); !imported) {
        states_.release(slot);
        target.broken = true;  // neither the old state nor the new one
        return imported;
    }
    target.slot = slot;
    target.tokens = std::move(file.tokens);
    return {};
}

}  // namespace krait
