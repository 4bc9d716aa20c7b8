// SPDX-License-Identifier: Apache-2.0
#include "models/session.hpp"

#include <algorithm>
#include <utility>

#include "core/base/at_end.hpp"

namespace krait {
namespace {

constexpr auto kBad = ErrorCode::invalid_argument;

constexpr size_t kMaxFlights = 8;  // fewer than Executor::kMaxPrograms: none of them loses its program

// One for each sequence and snapshot, so that each can have a state of its own; one for the way back of a chain; and those that a
// run may take beyond that for sequences that share a state, whose old one is needed until it is over (take_own_states).
int32_t slots_for(const SessionOptions& options) {
    return options.max_sequences + options.max_forks + options.max_snapshots + (options.max_chain > 1 ? 1 : 0);
}

}  // namespace

Session::Session(std::shared_ptr<const Model> model, graph::Executor executor, StatePool states, const SessionOptions& options)
    : model_(std::move(model)),
      executor_(std::move(executor)),
      states_(std::move(states)),
      snapshots_(states_.n_slots(), options.max_snapshots),
      options_(options),
      sequences_(static_cast<size_t>(options.max_sequences)),
      seen_(sequences_.size(), 0) {
    n_stages_ = model_->n_used_devices();
    least_piece_ = model_->least_piece();
    flights_.resize(std::min(kMaxFlights, n_stages_ > 1 ? 2 * n_stages_ : 1));
}

Result<Session> Session::create(std::shared_ptr<const Model> model, const SessionOptions& options) {
    if (options.max_sequences < 1 || options.max_sequences > SessionOptions::kMaxSequences)
        return fail(kBad, "{} sequences: 1 to {} are possible", options.max_sequences, SessionOptions::kMaxSequences);
    if (options.max_batch_tokens < 1) return fail(kBad, "{} tokens a run: at least 1 is needed", options.max_batch_tokens);
    if (options.max_snapshots < 0 || options.max_snapshots > SessionOptions::kMaxSnapshots)
        return fail(kBad, "{} snapshots: 0 to {} are possible", options.max_snapshots, SessionOptions::kMaxSnapshots);
    if (options.max_forks < 0 || options.max_forks > SessionOptions::kMaxSequences)
        return fail(kBad, "{} forks: 0 to {} are possible", options.max_forks, SessionOptions::kMaxSequences);
    if (options.max_chain < 1 || options.max_chain > SessionOptions::kMaxChain)
        return fail(kBad, "chains of {} tokens: 1 to {} are possible", options.max_chain, SessionOptions::kMaxChain);
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(model->devices()));
    KRAIT_TRY(StatePool states,
              StatePool::create(model->architecture(), model->devices(), model->placement(), slots_for(options)));
    return Session(std::move(model), std::move(executor), std::move(states), options);
}

Result<void> Session::check_sequence(int32_t sequence) const {
    if (sequence >= 0 && sequence < max_sequences()) return {};
    return fail(kBad, "there is no sequence {}: this session has {}, counted from 0", sequence, max_sequences());
}

Result<void> Session::check_batch(std::span<const SequenceInput> batch) {
    if (batch.empty()) return fail(kBad, "a batch of no sequences: at least one is needed");
    std::fill(seen_.begin(), seen_.end(), uint8_t{0});
    size_t n_snapshot = 0;
    for (const SequenceInput& input : batch) {
        KRAIT_CHECK(check_sequence(input.sequence));
        const auto index = static_cast<size_t>(input.sequence);
        if (seen_[index]) return fail(kBad, "sequence {} stands twice in the batch", input.sequence);
        seen_[index] = 1;
        if (sequences_[index].broken)
            return fail(
                kBad,
                "sequence {} was interrupted by an error of its device and cannot go on; reset it, restore it or roll it back",
                input.sequence);
        if (input.want == WantLogits::top && !model_->placement().finds_likeliest())
            return fail(
                ErrorCode::unsupported,
                "sequence {}: no device of this model has the operator top_k, which finds the likeliest tokens; ask for "
                "logits",
                input.sequence);
        if (input.want == WantLogits::top && input.top_k < 1)
            return fail(kBad, "sequence {}: the {} likeliest tokens are wanted; at least 1 is possible", input.sequence,
                        input.top_k);
        n_snapshot += input.snapshots.size();
        for (size_t i = 0; i < input.snapshots.size(); ++i)
            if (input.snapshots[i] <= (i == 0 ? 0 : input.snapshots[i - 1]) || input.snapshots[i] > input.tokens.size())
                return fail(kBad, "sequence {}: snapshot {} is after {} of {} tokens; they ascend, from 1 on", input.sequence,
                            i, input.snapshots[i], input.tokens.size());
        if (input.tokens.empty()) return fail(kBad, "sequence {} has no tokens: a prompt needs at least one", input.sequence);
        for (size_t t = 0; t < input.tokens.size(); ++t)
            if (input.tokens[t] < 0 || input.tokens[t] >= model_->shape().n_vocab)
                return fail(kBad, "token {} at position {} is out of range: the vocabulary has {} (0 to {})", input.tokens[t],
                            t, model_->shape().n_vocab, model_->shape().n_vocab - 1);
    }
    return check_room(n_snapshot);
}

Result<void> Session::decode(std::span<const SequenceInput> batch, const DecodeControl& control) {
    bool done = false;
    const AtEnd no_results_of_failures([&] {
        if (!done) rows_.clear();
    });
    rows_.clear();
    KRAIT_CHECK(check_batch(batch));
    KRAIT_CHECK(take_own_states(batch));
    const auto n_token = static_cast<size_t>(model_->n_token());
    size_t n_row = 0, n_top_row = 0, n_tok = 0;
    top_k_ = 0;
    for (const SequenceInput& input : batch) {
        const bool is_top = input.want == WantLogits::top;
        const size_t count = input.want == WantLogits::last ? 1 : input.want == WantLogits::all ? input.tokens.size() : 0;
        rows_.push_back({n_row, count, n_top_row, is_top ? std::min(static_cast<size_t>(input.top_k), n_token) : 0});
        top_k_ = std::max(top_k_, rows_.back().n_top);
        n_row += count;
        n_top_row += is_top;
        n_tok += input.tokens.size();
        Sequence& sequence = at(input.sequence);
        sequence.planned = sequence.slot;
    }
    logits_.resize(n_row * static_cast<size_t>(model_->shape().n_vocab));
    top_logits_.resize(n_top_row * top_k_);
    top_tokens_.resize(n_top_row * top_k_);
    candidates_.resize(n_top_row * top_k_);

    next_input_ = next_token_ = 0;
    KRAIT_CHECK(can_pipeline(batch) ? decode_pipelined(batch, control, n_tok) : decode_in_turn(batch, control, n_tok));
    for (size_t i = 0; i < candidates_.size(); ++i) KRAIT_CHECK(take_candidate(i, top_logits_[i], top_tokens_[i]));
    done = true;
    return {};
}

Result<void> Session::take_candidate(size_t i, float logit, int32_t token) {
    if (token < 0 || token >= model_->n_token())
        return fail(ErrorCode::internal, "the device found token {} among the likeliest of {}: its top_k is wrong", token,
                    model_->n_token());
    candidates_[i] = {logit, token};
    return {};
}

Result<void> Session::decode_in_turn(std::span<const SequenceInput> batch, const DecodeControl& control, size_t n_tok) {
    Flight& flight = flights_.front();
    for (size_t done = 0; fill(flight, batch, static_cast<size_t>(options_.max_batch_tokens)); done += flight.n_tok) {
        if (done > 0 && control.progress) control.progress(static_cast<int64_t>(done), static_cast<int64_t>(n_tok));
        if (control.is_cancelled()) return fail(ErrorCode::cancelled, "cancelled after {} of {} tokens", done, n_tok);
        describe(flight, batch);
        Result<void> ok;
        KRAIT_CHECK(make_ready(flight));
        try {
            ok = run(flight);
            book(flight, batch, ok.has_value());
        } catch (...) {  // by the observer, or for want of memory: the states may have moved on
            (void)executor_.sync();
            book(flight, batch, false);
            throw;
        }
        KRAIT_CHECK(ok);
    }
    if (control.progress) control.progress(static_cast<int64_t>(n_tok), static_cast<int64_t>(n_tok));
    return {};
}

bool Session::fill(Flight& flight, std::span<const SequenceInput> batch, size_t room) {
    flight.clear();
    while (flight.n_tok < room && next_input_ < batch.size()) {
        const SequenceInput& input = batch[next_input_];
        const size_t count = std::min(room - flight.n_tok, input.tokens.size() - next_token_);
        const bool ends = next_token_ + count == input.tokens.size();
        flight.pieces.push_back({next_input_, next_token_, count, input.sequence, ends});
        flight.n_tok += count;
        next_token_ = ends ? 0 : next_token_ + count;
        next_input_ += ends;
    }
    return flight.n_tok > 0;
}

void Session::describe(Flight& flight, std::span<const SequenceInput> batch) {
    const auto n_vocab = static_cast<size_t>(model_->shape().n_vocab);
    for (const Piece& piece : flight.pieces) {
        const SequenceInput& input = batch[piece.input];
        const auto tokens = input.tokens.subspan(piece.first, piece.count);
        const auto row = static_cast<int32_t>(flight.ids.size());
        flight.ids.insert(flight.ids.end(), tokens.begin(), tokens.end());
        flight.seq_start.push_back(static_cast<int32_t>(flight.ids.size()));
        const auto last = static_cast<int32_t>(flight.ids.size()) - 1;
        const size_t n_before = flight.out_rows.size();
        if (input.want == WantLogits::all)
            for (size_t t = 0; t < piece.count; ++t) flight.out_rows.push_back(row + static_cast<int32_t>(t));
        if (input.want == WantLogits::last && piece.ends) flight.out_rows.push_back(last);
        // The rows of a run are one stretch of logits_, and of top_tokens_: pieces come in the order of the batch.
        if (n_before == 0 && !flight.out_rows.empty())
            flight.logits = std::span(logits_).subspan(
                (rows_[piece.input].first + (input.want == WantLogits::all ? piece.first : 0)) * n_vocab);
        if (input.want == WantLogits::top && piece.ends) {
            if (flight.top_rows.empty()) {
                flight.top_logits = std::span(top_logits_).subspan(rows_[piece.input].top_row * top_k_);
                flight.top_tokens = std::span(top_tokens_).subspan(rows_[piece.input].top_row * top_k_);
            }
            flight.top_rows.push_back(last);
        }
        for (const size_t count : input.snapshots)
            if (count > piece.first && count <= piece.first + piece.count) {
                flight.kept.push_back({static_cast<size_t>(&piece - flight.pieces.data()), count - piece.first});
                flight.snapshots.insert(flight.snapshots.end(), {row + static_cast<int32_t>(count - piece.first) - 1, -1});
            }
    }
    flight.logits = flight.logits.first(flight.out_rows.size() * n_vocab);
    flight.top_logits = flight.top_logits.first(flight.top_rows.size() * top_k_);
    flight.top_tokens = flight.top_tokens.first(flight.top_rows.size() * top_k_);
    flight.out_rows.insert(flight.out_rows.end(), flight.top_rows.begin(), flight.top_rows.end());
    flight.shape = {.n_tok = static_cast<int64_t>(flight.ids.size()),
                    .n_seq = static_cast<int64_t>(flight.pieces.size()),
                    .n_out = static_cast<int64_t>(flight.out_rows.size()),
                    .n_top = static_cast<int64_t>(flight.top_rows.size()),
                    .top_k = flight.top_rows.empty() ? 0 : static_cast<int32_t>(top_k_),
                    .n_snapshot = static_cast<int64_t>(flight.kept.size())};
}

Result<void> Session::make_ready(Flight& flight) {
    bool done = false;
    const AtEnd takes_all_or_nothing([&] {
        if (!done) give_back(flight);
    });
    KRAIT_TRY(graph::Compiled * compiled, executor_.prepare(RunKey(flight.shape).text(), [&]() -> Result<graph::PlacedGraph> {
        KRAIT_TRY(graph::Graph graph, build_forward(model_->architecture(), model_->weights().descs(), states_.n_slots(),
                                                    flight.shape, model_->n_token()));
        if (options_.observer) keep_activations(graph);
        return build_placed(*model_, states_, std::move(graph));
    }));
    flight.src_slot.reserve(flight.pieces.size());
    flight.dst_slot.reserve(flight.pieces.size());
    // A slot that another sequence holds too is read, and the result goes to a new one: copy on write.
    for (const Piece& piece : flight.pieces) {
        Sequence& sequence = at(piece.sequence);
        flight.src_slot.push_back(sequence.planned);
        if (sequence.planned < 0 || states_.is_shared(sequence.planned)) {
            auto slot = states_.acquire();
            if (!slot) return tl::unexpected<Error>(std::move(slot).error());
            sequence.planned = *slot;
        }
        flight.dst_slot.push_back(sequence.planned);
    }
    for (size_t i = 0; i < flight.kept.size(); ++i) {
        auto slot = states_.acquire();
        if (!slot) return tl::unexpected<Error>(std::move(slot).error());
        flight.snapshots[2 * i + 1] = *slot;
    }
    flight.bind(compiled);
    done = true;
    return {};
}

void Session::give_back(Flight& flight) {
    release_kept(flight);
    for (size_t i = 0; i < flight.dst_slot.size(); ++i) {
        if (flight.src_slot[i] == flight.dst_slot[i]) continue;
        states_.release(flight.dst_slot[i]);
        at(flight.pieces[i].sequence).planned = flight.src_slot[i];
    }
    flight.dst_slot.clear();  // once is enough
}

void Session::release_kept(Flight& flight) {
    for (size_t i = 0; i < flight.kept.size(); ++i)
        if (int32_t& slot = flight.snapshots[2 * i + 1]; slot >= 0) states_.release(std::exchange(slot, -1));
}

Result<void> Session::run(Flight& flight) {
    Result<void> done = executor_.run(*flight.compiled, flight.inputs);
    if (done) done = executor_.read(*flight.compiled, flight.outputs);
    if (done && options_.observer) done = read_activations(executor_, *flight.compiled, options_.observer);
    // What was queued has ended before slots are given back, and its error is not told again by the next run.
    if (!done) (void)executor_.sync();
    return done;
}

void Session::book(Flight& flight, std::span<const SequenceInput> batch, bool done) {
    // What may throw comes first, so that a run is booked as a whole or not at all.
    for (const Piece& piece : flight.pieces) {
        Sequence& sequence = at(piece.sequence);
        if (done && sequence.tokens.capacity() < sequence.tokens.size() + piece.count)
            sequence.tokens.reserve(2 * sequence.tokens.size() + piece.count + 256);  // so that few steps allocate
    }
    for (size_t i = 0; done && i < flight.kept.size();) {
        const size_t piece = flight.kept[i].piece, first = i;
        while (i < flight.kept.size() && flight.kept[i].piece == piece) ++i;
        std::vector<Snapshot>& snapshots = at(flight.pieces[piece].sequence).snapshots;
        if (snapshots.capacity() < snapshots.size() + i - first) snapshots.reserve(2 * snapshots.size() + i - first);
    }
    if (!done) release_kept(flight);
    for (size_t i = 0; done && i < flight.kept.size(); ++i) {
        const KeptState& kept = flight.kept[i];
        Sequence& sequence = at(flight.pieces[kept.piece].sequence);
        const int32_t slot = flight.snapshots[2 * i + 1];
        sequence.snapshots.push_back(
            {sequence.tokens.size() + kept.count, sequence.position + static_cast<int64_t>(kept.count), slot});
        snapshots_.add(slot);
    }
    for (size_t i = 0; i < flight.dst_slot.size(); ++i) {
        const Piece& piece = flight.pieces[i];
        Sequence& sequence = at(piece.sequence);
        const int32_t src = flight.src_slot[i], dst = flight.dst_slot[i];
        if (done) {
            const auto tokens = batch[piece.input].tokens.subspan(piece.first, piece.count);
            sequence.tokens.insert(sequence.tokens.end(), tokens.begin(), tokens.end());
            sequence.position += static_cast<int64_t>(piece.count);
            if (src != dst && src >= 0) states_.release(src);
            sequence.slot = dst;
        } else {
            if (src != dst) states_.release(dst);
            if (src == dst && sequence.slot == dst) sequence.broken = true;  // in place: half written, perhaps
            sequence.planned = sequence.slot;
        }
    }
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

std::span<const Candidate> Session::candidates(size_t input) const {
    if (input >= rows_.size()) return {};
    return std::span(candidates_).subspan(rows_[input].top_row * top_k_).first(rows_[input].n_top);
}

}  // namespace krait
