// SPDX-License-Identifier: Apache-2.0
#include "models/session/session.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/base/scope_exit.hpp"
#include "models/session/placed_forward.hpp"

namespace krait {
namespace {

constexpr size_t kMaxUsualTopK = 64;
constexpr size_t kMaxMicroBatches = 8;
static_assert(kMaxMicroBatches < graph::Executor::kMaxPrograms, "a micro-batch that is pending may lose its program");

// One for each sequence and snapshot, so that each can have a state of its own; one for the way back of a chain; and those that
// a run may take beyond that for sequences that share a state, whose old one is needed until it is over (take_own_states).
int32_t slots_for(const SessionOptions& options) {
    return options.max_sequences + options.max_forks + options.max_snapshots + (options.max_chain > 1 ? 1 : 0);
}

int64_t sequence_tokens(const SessionOptions& options) {
    if (options.max_sequence_tokens > 0) return options.max_sequence_tokens;
    const int64_t share = std::max(kDefaultCachedTokens, options.max_cached_tokens / options.max_sequences);
    return std::min(share, SessionOptions::kMaxSequenceTokens);
}

MemorySizes memory_sizes(const SessionOptions& options) {
    constexpr int64_t kMaxPages = pages_of_rows(SessionOptions::kMaxCachedTokens);
    const int64_t of_sequence = pages_of_rows(sequence_tokens(options));
    const int64_t n_pages =
        options.max_cached_tokens > 0
            ? pages_of_rows(options.max_cached_tokens)
            : std::min(of_sequence * options.max_sequences + options.max_snapshots + (options.max_chain > 1 ? 1 : 0),
                       kMaxPages);
    return {.n_slots = slots_for(options), .n_pages = n_pages, .sequence_pages = std::min(n_pages, of_sequence)};
}

}  // namespace

Session::Session(std::shared_ptr<const Model> model, graph::Executor executor, SequenceMemory memory,
                 const SessionOptions& options)
    : model_(std::move(model)),
      executor_(std::move(executor)),
      memory_(std::move(memory)),
      options_(options),
      max_sequence_tokens_(std::min(sequence_tokens(options), memory_.sizes().n_pages * kRowsPerPage)),
      shapes_(options.max_batch_tokens, options.max_sequences, options.max_snapshots),
      sequences_(static_cast<size_t>(options.max_sequences)),
      seen_(sequences_.size(), 0) {
    n_stages_ = model_->n_used_devices();
    min_chunk_rows_ = model_->min_chunk_rows();
    micro_batches_.resize(std::min(kMaxMicroBatches, n_stages_ > 1 ? 2 * n_stages_ : 1));
    options_.exact_shapes = options_.exact_shapes || options_.observer || options_.run_observer;
}

Result<Session> Session::create(std::shared_ptr<const Model> model, const SessionOptions& options) {
    if (options.max_sequences < 1 || options.max_sequences > SessionOptions::kMaxSequences)
        return fail(ErrorCode::invalid_argument, "{} sequences: 1 to {} are possible", options.max_sequences,
                    SessionOptions::kMaxSequences);
    if (options.max_batch_tokens < 1)
        return fail(ErrorCode::invalid_argument, "{} tokens a run: at least 1 is needed", options.max_batch_tokens);
    if (options.max_snapshots < 0 || options.max_snapshots > SessionOptions::kMaxSnapshots)
        return fail(ErrorCode::invalid_argument, "{} snapshots: 0 to {} are possible", options.max_snapshots,
                    SessionOptions::kMaxSnapshots);
    if (options.max_forks < 0 || options.max_forks > SessionOptions::kMaxSequences)
        return fail(ErrorCode::invalid_argument, "{} forks: 0 to {} are possible", options.max_forks,
                    SessionOptions::kMaxSequences);
    if (options.max_chain < 1 || options.max_chain > SessionOptions::kMaxChain)
        return fail(ErrorCode::invalid_argument, "chains of {} tokens: 1 to {} are possible", options.max_chain,
                    SessionOptions::kMaxChain);
    if (options.max_cached_tokens < 0 || options.max_cached_tokens > SessionOptions::kMaxCachedTokens)
        return fail(ErrorCode::invalid_argument, "{} cached tokens: 0 (the default) to {} are possible",
                    options.max_cached_tokens, SessionOptions::kMaxCachedTokens);
    if (options.max_sequence_tokens < 0 || options.max_sequence_tokens > SessionOptions::kMaxSequenceTokens)
        return fail(ErrorCode::invalid_argument, "a context of {} tokens: 0 (the default) to {} are possible",
                    options.max_sequence_tokens, SessionOptions::kMaxSequenceTokens);
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(model->devices(), options.run_observer));
    const MemorySizes sizes = memory_sizes(options);
    KRAIT_TRY(SequenceMemory memory,
              SequenceMemory::create(model->architecture(), model->devices(), model->placement(), sizes));
    Session session(std::move(model), std::move(executor), std::move(memory), options);
    if (!session.options_.exact_shapes) {
        KRAIT_TRY(const graph::PlacedGraph largest, session.graph_of(session.shapes_.largest()));
        KRAIT_CHECK(session.executor_.reserve(largest));
    }
    return session;
}

Result<graph::PlacedGraph> Session::graph_of(const RunShape& shape) const {
    KRAIT_TRY(graph::Graph graph,
              build_forward(model_->architecture(), model_->weights().descs(), memory_.sizes(), shape, model_->n_token()));
    if (options_.observer) keep_activations(graph);
    return build_placed(*model_, memory_, std::move(graph));
}

Result<void> Session::check_sequence(int32_t sequence) const {
    if (sequence >= 0 && sequence < max_sequences()) return {};
    return fail(ErrorCode::invalid_argument, "there is no sequence {}: this session has {}, counted from 0", sequence,
                max_sequences());
}

Result<void> Session::check_batch(std::span<const SequenceInput> batch) {
    if (batch.empty()) return fail(ErrorCode::invalid_argument, "a batch of no sequences: at least one is needed");
    std::fill(seen_.begin(), seen_.end(), uint8_t{0});
    size_t n_snapshot = 0;
    for (const SequenceInput& input : batch) {
        KRAIT_CHECK(check_sequence(input.sequence));
        const auto index = static_cast<size_t>(input.sequence);
        if (seen_[index]) return fail(ErrorCode::invalid_argument, "sequence {} stands twice in the batch", input.sequence);
        seen_[index] = 1;
        if (sequences_[index].broken)
            return fail(
                ErrorCode::invalid_argument,
                "sequence {} was interrupted by an error of its device and cannot go on; reset it, restore it or roll it back",
                input.sequence);
        if (input.want == WantLogits::top && !model_->placement().supports_top_k())
            return fail(
                ErrorCode::unsupported,
                "sequence {}: no device of this model has the operator top_k, which finds the most likely tokens; ask for "
                "logits",
                input.sequence);
        if (input.want == WantLogits::top && input.top_k < 1)
            return fail(ErrorCode::invalid_argument,
                        "sequence {}: the {} most likely tokens are wanted; at least 1 is possible", input.sequence,
                        input.top_k);
        n_snapshot += input.snapshots.size();
        for (size_t i = 0; i < input.snapshots.size(); ++i)
            if (input.snapshots[i] <= (i == 0 ? 0 : input.snapshots[i - 1]) || input.snapshots[i] > input.tokens.size())
                return fail(ErrorCode::invalid_argument,
                            "sequence {}: snapshot {} is after {} of {} tokens; they ascend, from 1 on", input.sequence, i,
                            input.snapshots[i], input.tokens.size());
        if (input.tokens.empty())
            return fail(ErrorCode::invalid_argument, "sequence {} has no tokens: a prompt needs at least one", input.sequence);
        for (size_t t = 0; t < input.tokens.size(); ++t)
            if (input.tokens[t] < 0 || input.tokens[t] >= model_->shape().n_vocab)
                return fail(ErrorCode::invalid_argument,
                            "token {} at position {} is out of range: the vocabulary has {} (0 to {})", input.tokens[t], t,
                            model_->shape().n_vocab, model_->shape().n_vocab - 1);
    }
    return check_free_snapshots(n_snapshot);
}

Result<void> Session::decode(std::span<const SequenceInput> batch, const DecodeControl& control) {
    bool done = false;
    const ScopeExit no_results_of_failures([&] {
        if (!done) rows_.clear();
    });
    rows_.clear();
    KRAIT_CHECK(check_batch(batch));
    const ScopeExit no_reserved_pages([&] { drop_reserved_pages(batch); });
    KRAIT_CHECK(take_pages(batch));
    KRAIT_CHECK(take_own_states(batch));
    const auto n_token = static_cast<size_t>(model_->n_token());
    size_t n_row = 0, n_top_row = 0, n_hidden = 0, n_tok = 0;
    top_k_ = 0;
    for (const SequenceInput& input : batch) {
        const bool is_top = input.want == WantLogits::top;
        const size_t count = input.want == WantLogits::last ? 1 : input.want == WantLogits::all ? input.tokens.size() : 0;
        const size_t n_wanted = input.hidden == WantHidden::none  ? 0
                                : input.hidden == WantHidden::all ? input.tokens.size()
                                                                  : 1;
        rows_.push_back(
            {n_row, count, n_top_row, is_top ? std::min(static_cast<size_t>(input.top_k), n_token) : 0, n_hidden, n_wanted});
        n_hidden += n_wanted;
        top_k_ = std::max(top_k_, rows_.back().n_top);
        n_row += count;
        n_top_row += is_top;
        n_tok += input.tokens.size();
        Sequence& sequence = at(input.sequence);
        sequence.planned = sequence.state.slot.slot();
        sequence.planned_rows = sequence.state.pages.n_rows();
        reserve_for(sequence, input.tokens.size(), input.snapshots.size());
    }
    // Few are found in every run from then on, so that runs with and without them have the same shapes; many have shapes of
    // their own.
    const bool are_few = !options_.exact_shapes && top_k_ <= kMaxUsualTopK;
    if (are_few && top_k_ > 0) top_k_ = std::min(std::bit_ceil(top_k_), n_token);
    if (are_few) top_k_ = std::max(top_k_, usual_top_k_);
    logits_.resize(n_row * static_cast<size_t>(model_->shape().n_vocab));
    hidden_.resize(n_hidden * static_cast<size_t>(model_->shape().d_model));
    const bool has_mean = std::any_of(batch.begin(), batch.end(), [](const auto& i) { return i.hidden == WantHidden::mean; });
    hidden_sums_.assign(has_mean ? hidden_.size() : 0, 0.0);
    top_logits_.resize(n_top_row * top_k_);
    top_tokens_.resize(n_top_row * top_k_);
    candidates_.resize(n_top_row * top_k_);

    next_input_ = next_token_ = 0;
    KRAIT_CHECK(can_pipeline(batch) ? decode_pipelined(batch, control, n_tok) : decode_in_turn(batch, control, n_tok));
    for (size_t i = 0; i < candidates_.size(); ++i) KRAIT_CHECK(take_candidate(i, top_logits_[i], top_tokens_[i]));
    take_means(batch);
    if (are_few) usual_top_k_ = top_k_;
    done = true;
    return {};
}

Result<void> Session::take_candidate(size_t i, float logit, int32_t token) {
    if (token < 0 || token >= model_->n_token())
        return fail(ErrorCode::internal, "the device found token {} among the most likely of {}: its top_k is wrong", token,
                    model_->n_token());
    candidates_[i] = {logit, token};
    return {};
}

Result<void> Session::decode_in_turn(std::span<const SequenceInput> batch, const DecodeControl& control, size_t n_tok) {
    MicroBatch& micro_batch = micro_batches_.front();
    const ScopeExit nothing_stays([&] { micro_batch.drop_states(); });
    for (size_t done = 0; take_tokens(micro_batch, batch, static_cast<size_t>(options_.max_batch_tokens));
         done += micro_batch.n_tok) {
        if (done > 0 && control.progress) control.progress(static_cast<int64_t>(done), static_cast<int64_t>(n_tok));
        if (control.is_cancelled()) return fail(ErrorCode::cancelled, "cancelled after {} of {} tokens", done, n_tok);
        build_inputs(micro_batch, batch);
        KRAIT_CHECK(prepare(micro_batch));
        KRAIT_CHECK(step(micro_batch, batch));
    }
    if (control.progress) control.progress(static_cast<int64_t>(n_tok), static_cast<int64_t>(n_tok));
    return {};
}

Result<void> Session::step(MicroBatch& micro_batch, std::span<const SequenceInput> batch) {
    bool done = false;
    // Also where the observer throws, or memory runs out: the states may have moved on.
    const ScopeExit all_or_nothing([&] {
        if (done) return;
        executor_.drain();
        interrupt(micro_batch);
    });
    KRAIT_CHECK(run(micro_batch));
    commit(micro_batch, batch);
    done = true;
    return {};
}

bool Session::take_tokens(MicroBatch& micro_batch, std::span<const SequenceInput> batch, size_t max_rows) {
    micro_batch.clear();
    while (micro_batch.n_tok < max_rows && next_input_ < batch.size()) {
        const SequenceInput& input = batch[next_input_];
        const size_t count = std::min(max_rows - micro_batch.n_tok, input.tokens.size() - next_token_);
        const bool ends = next_token_ + count == input.tokens.size();
        micro_batch.chunks.push_back({next_input_, next_token_, count, input.sequence, ends});
        micro_batch.n_tok += count;
        next_token_ = ends ? 0 : next_token_ + count;
        next_input_ += ends;
    }
    return micro_batch.n_tok > 0;
}

void Session::build_inputs(MicroBatch& micro_batch, std::span<const SequenceInput> batch) {
    const auto n_vocab = static_cast<size_t>(model_->shape().n_vocab);
    for (const SequenceChunk& chunk : micro_batch.chunks) {
        const SequenceInput& input = batch[chunk.input];
        const auto tokens = input.tokens.subspan(chunk.first, chunk.count);
        const auto row = static_cast<int32_t>(micro_batch.ids.size());
        micro_batch.ids.insert(micro_batch.ids.end(), tokens.begin(), tokens.end());
        micro_batch.seq_start.push_back(static_cast<int32_t>(micro_batch.ids.size()));
        const auto last = static_cast<int32_t>(micro_batch.ids.size()) - 1;
        const size_t n_before = micro_batch.out_rows.size();
        if (input.want == WantLogits::all)
            for (size_t t = 0; t < chunk.count; ++t) micro_batch.out_rows.push_back(row + static_cast<int32_t>(t));
        if (input.want == WantLogits::last && chunk.ends) micro_batch.out_rows.push_back(last);
        // The rows of a micro-batch are contiguous in logits_ and in top_tokens_: chunks come in the order of the batch.
        if (n_before == 0 && !micro_batch.out_rows.empty())
            micro_batch.logits = std::span(logits_).subspan(
                (rows_[chunk.input].first + (input.want == WantLogits::all ? chunk.first : 0)) * n_vocab);
        if (input.want == WantLogits::top && chunk.ends) {
            if (micro_batch.top_rows.empty()) {
                micro_batch.top_logits = std::span(top_logits_).subspan(rows_[chunk.input].top_row * top_k_);
                micro_batch.top_tokens = std::span(top_tokens_).subspan(rows_[chunk.input].top_row * top_k_);
            }
            micro_batch.top_rows.push_back(last);
        }
        add_hidden_rows(micro_batch, input, chunk);
        for (const size_t count : input.snapshots)
            if (count > chunk.first && count <= chunk.first + chunk.count) {
                micro_batch.snapshot_points.push_back(
                    {static_cast<size_t>(&chunk - micro_batch.chunks.data()), count - chunk.first});
                micro_batch.snapshots.insert(micro_batch.snapshots.end(),
                                             {row + static_cast<int32_t>(count - chunk.first) - 1, -1});
            }
    }
    micro_batch.logits = micro_batch.logits.first(micro_batch.out_rows.size() * n_vocab);
    micro_batch.top_logits = micro_batch.top_logits.first(micro_batch.top_rows.size() * top_k_);
    micro_batch.top_tokens = micro_batch.top_tokens.first(micro_batch.top_rows.size() * top_k_);
    micro_batch.out_rows.insert(micro_batch.out_rows.end(), micro_batch.top_rows.begin(), micro_batch.top_rows.end());
    const RunShape exact{.n_tok = static_cast<int64_t>(micro_batch.ids.size()),
                         .n_seq = static_cast<int64_t>(micro_batch.chunks.size()),
                         .n_out = static_cast<int64_t>(micro_batch.out_rows.size()),
                         .top_k = micro_batch.out_rows.empty() && options_.exact_shapes ? 0 : static_cast<int32_t>(top_k_),
                         .n_snapshot = static_cast<int64_t>(micro_batch.snapshot_points.size())};
    micro_batch.sizes = {exact.n_tok, exact.n_seq, exact.n_out, exact.n_snapshot, 0};
    micro_batch.shape = options_.exact_shapes ? exact : shapes_.padded(exact);
    if (!micro_batch.hidden.empty()) micro_batch.shape.n_hidden = micro_batch.shape.n_tok;
    pad_inputs(micro_batch);
}

// The graph gives the hidden states of all rows or of none: the norm is a small part of a run.
void Session::add_hidden_rows(MicroBatch& micro_batch, const SequenceInput& input, const SequenceChunk& chunk) {
    if (input.hidden == WantHidden::none || (input.hidden == WantHidden::last && !chunk.ends)) return;
    const size_t n = input.hidden == WantHidden::last ? 1 : chunk.count, width = static_cast<size_t>(model_->shape().d_model);
    const size_t first = rows_[chunk.input].first_hidden + (input.hidden == WantHidden::all ? chunk.first : 0);
    HiddenRows rows{.first_row = micro_batch.ids.size() - n};
    if (input.hidden == WantHidden::mean) {  // a micro-batch has them, and adds them up
        micro_batch.summed_rows.resize(micro_batch.n_tok * width);
        rows.values = std::span(micro_batch.summed_rows).subspan(rows.first_row * width, n * width);
        rows.sum = std::span(hidden_sums_).subspan(first * width, width);
    } else {
        rows.values = std::span(hidden_).subspan(first * width, n * width);
    }
    micro_batch.hidden.push_back(rows);
}

void Session::take_means(std::span<const SequenceInput> batch) {
    const auto width = static_cast<size_t>(model_->shape().d_model);
    for (size_t i = 0; i < batch.size(); ++i) {
        if (batch[i].hidden != WantHidden::mean) continue;
        const size_t first = rows_[i].first_hidden * width;
        const auto n_tok = static_cast<double>(batch[i].tokens.size());
        for (size_t k = first; k < first + width; ++k) hidden_[k] = static_cast<float>(hidden_sums_[k] / n_tok);
    }
}

// All of it is valid: padding rows are token 0 of one more sequence, which has no state before or after.
void Session::pad_inputs(MicroBatch& micro_batch) {
    const RunShape& shape = micro_batch.shape;
    micro_batch.ids.resize(static_cast<size_t>(shape.n_tok), 0);
    micro_batch.seq_start.resize(static_cast<size_t>(shape.n_seq) + 1, static_cast<int32_t>(shape.n_tok));
    micro_batch.out_rows.resize(static_cast<size_t>(shape.n_out), 0);
    micro_batch.snapshots.resize(2 * static_cast<size_t>(shape.n_snapshot), -1);
}

Result<void> Session::prepare(MicroBatch& micro_batch) {
    KRAIT_TRY(graph::Compiled * compiled,
              executor_.prepare(RunKey(micro_batch.shape).text(), [&] { return graph_of(micro_batch.shape); }));
    const auto n_seq = static_cast<size_t>(micro_batch.shape.n_seq);
    const bool has_pages = memory_.pages() != nullptr;
    micro_batch.src_slot.reserve(n_seq);
    micro_batch.dst_slot.reserve(n_seq);
    micro_batch.new_slots.reserve(n_seq);
    // A slot that another sequence holds too is read, and the result goes to a new one: copy on write.
    for (const SequenceChunk& chunk : micro_batch.chunks) {
        Sequence& sequence = at(chunk.sequence);
        micro_batch.src_slot.push_back(sequence.planned);
        SlotRef written;
        if (sequence.planned < 0 || memory_.slots()->is_shared(sequence.planned)) {
            KRAIT_TRY(written, memory_.slots()->acquire());
            sequence.planned = written.slot();
        }
        micro_batch.dst_slot.push_back(sequence.planned);
        micro_batch.new_slots.push_back(std::move(written));
    }
    micro_batch.src_slot.resize(n_seq, -1);
    micro_batch.dst_slot.resize(n_seq, -1);
    micro_batch.new_snapshots.reserve(micro_batch.snapshot_points.size());
    for (size_t i = 0; i < micro_batch.snapshot_points.size(); ++i) {
        const SnapshotPoint& point = micro_batch.snapshot_points[i];
        StateRef& written = micro_batch.new_snapshots.emplace_back();
        KRAIT_TRY(written.slot, memory_.slots()->acquire());
        micro_batch.snapshots[2 * i + 1] = written.slot.slot();
        if (!has_pages) continue;
        const Sequence& sequence = at(micro_batch.chunks[point.chunk].sequence);
        written.pages = sequence.state.pages.share(sequence.planned_rows + static_cast<int64_t>(point.count));
    }
    if (has_pages) plan_rows(micro_batch);
    micro_batch.bind(compiled);
    return {};
}

// Rows of padding go nowhere, and have no place.
void Session::plan_rows(MicroBatch& micro_batch) {
    const auto width = static_cast<size_t>(memory_.sizes().sequence_pages);
    micro_batch.cache_rows.clear();
    micro_batch.positions.clear();
    micro_batch.page_table.assign(static_cast<size_t>(micro_batch.shape.n_seq) * width, -1);
    for (size_t i = 0; i < micro_batch.chunks.size(); ++i) {
        const SequenceChunk& chunk = micro_batch.chunks[i];
        Sequence& sequence = at(chunk.sequence);
        const std::span<const int32_t> pages = sequence.state.pages.pages();
        std::copy(pages.begin(), pages.end(), micro_batch.page_table.begin() + static_cast<ptrdiff_t>(i * width));
        for (size_t t = 0; t < chunk.count; ++t) {
            micro_batch.positions.push_back(static_cast<int32_t>(sequence.planned_rows));
            micro_batch.cache_rows.push_back(sequence.state.pages.row(sequence.planned_rows++));
        }
    }
    micro_batch.cache_rows.resize(static_cast<size_t>(micro_batch.shape.n_tok), -1);
    micro_batch.positions.resize(static_cast<size_t>(micro_batch.shape.n_tok), -1);
}

Result<void> Session::run(MicroBatch& micro_batch) {
    KRAIT_CHECK(executor_.run(*micro_batch.compiled, micro_batch.inputs, {}, micro_batch.sizes));
    KRAIT_CHECK(executor_.read(*micro_batch.compiled, micro_batch.outputs));
    if (options_.observer) KRAIT_CHECK(read_activations(executor_, *micro_batch.compiled, options_.observer));
    return {};
}

void Session::reserve_for(Sequence& sequence, size_t n_tok, size_t n_snapshot) {
    const auto reserve = [](auto& list, size_t more, size_t least) {
        if (list.capacity() - list.size() < more) list.reserve(2 * list.size() + more + least);  // so that few steps allocate
    };
    reserve(sequence.tokens, n_tok, 256);
    reserve(sequence.snapshots, n_snapshot, 0);
}

void Session::commit(MicroBatch& micro_batch, std::span<const SequenceInput> batch) noexcept {
    for (const HiddenRows& rows : micro_batch.hidden)
        for (size_t k = 0; k < rows.values.size() && !rows.sum.empty(); ++k)
            rows.sum[k % rows.sum.size()] += static_cast<double>(rows.values[k]);
    for (size_t i = 0; i < micro_batch.new_snapshots.size(); ++i) {
        const SnapshotPoint& point = micro_batch.snapshot_points[i];
        StateRef& kept = micro_batch.new_snapshots[i];
        Sequence& sequence = at(micro_batch.chunks[point.chunk].sequence);
        sequence.snapshots.push_back({sequence.tokens.size() + point.count,
                                      sequence.position + static_cast<int64_t>(point.count),
                                      {kept.slot.share_as_snapshot(), std::move(kept.pages)}});
    }
    for (size_t i = 0; i < micro_batch.chunks.size(); ++i) {
        const SequenceChunk& chunk = micro_batch.chunks[i];
        Sequence& sequence = at(chunk.sequence);
        const auto tokens = batch[chunk.input].tokens.subspan(chunk.first, chunk.count);
        sequence.tokens.insert(sequence.tokens.end(), tokens.begin(), tokens.end());
        sequence.position += static_cast<int64_t>(chunk.count);
        if (micro_batch.new_slots[i]) sequence.state.slot = std::move(micro_batch.new_slots[i]);
        if (memory_.pages()) sequence.state.pages.append(static_cast<int64_t>(chunk.count));
    }
    micro_batch.drop_states();
}

void Session::interrupt(MicroBatch& micro_batch) noexcept {
    for (size_t i = 0; i < micro_batch.chunks.size(); ++i) {
        Sequence& sequence = at(micro_batch.chunks[i].sequence);
        // In place: half written, perhaps. Where it is a slot that a run before this one would have given, nothing has
        // happened. Rows in pages do not count before the run is committed.
        const bool is_in_place = !micro_batch.new_slots[i] && sequence.state.slot.slot() == micro_batch.dst_slot[i];
        if (is_in_place && memory_.has_slots()) sequence.broken = true;
    }
    micro_batch.drop_states();
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

std::span<const float> Session::hidden(size_t input, size_t row) const {
    if (input >= rows_.size() || row >= rows_[input].n_hidden) return {};
    const auto width = static_cast<size_t>(model_->shape().d_model);
    return std::span(hidden_).subspan((rows_[input].first_hidden + row) * width, width);
}

std::span<const Candidate> Session::candidates(size_t input) const {
    if (input >= rows_.size()) return {};
    return std::span(candidates_).subspan(rows_[input].top_row * top_k_).first(rows_[input].n_top);
}

}  // namespace krait
