// SPDX-License-Identifier: Apache-2.0
//
// Session: greedy decoding in chains. The state from before the chain keeps its slot until all has gone well: a chain that
// fails has not happened, and one that ran past its end goes back there and takes the same steps again, as far as they count.
#include <algorithm>
#include <cmath>

#include "core/base/scope_exit.hpp"
#include "models/session/session.hpp"

namespace krait {
namespace {

bool is_end(const Candidate& candidate, std::span<const int32_t> stops) {
    return !std::isfinite(candidate.logit) || std::find(stops.begin(), stops.end(), candidate.token) != stops.end();
}

}  // namespace

Result<std::span<const Candidate>> Session::chain(const ChainInput& input) {
    rows_.clear();
    if (input.n_tok < 1) return fail(ErrorCode::invalid_argument, "a chain of {} tokens: at least 1 is possible", input.n_tok);
    const auto max_tokens = static_cast<size_t>(options_.max_chain);
    chain_tokens_.reserve(max_tokens + 1);
    chain_tokens_.assign(1, input.token);
    SequenceInput read{.sequence = input.sequence, .tokens = chain_tokens_, .want = WantLogits::top, .top_k = 1};
    const std::span<const SequenceInput> batch(&read, 1);
    if (max_tokens == 1) {
        KRAIT_CHECK(decode(batch));
        return candidates(0);
    }
    KRAIT_CHECK(check_batch(batch));
    auto n_tok = std::min(static_cast<size_t>(input.n_tok), max_tokens);
    top_k_ = 1;
    logits_.clear();
    candidates_.resize(n_tok);
    top_logits_.resize(n_tok);
    top_tokens_.resize(n_tok);
    rows_.push_back({0, 0, 0, 1});
    bool done = false;
    const ScopeExit no_results_of_failures([&] {
        if (!done) rows_.clear();
    });

    const ScopeExit no_reserved_pages([&] { drop_reserved_pages(batch); });
    KRAIT_CHECK(take_pages(batch, n_tok));
    Sequence& sequence = at(input.sequence);
    reserve_for(sequence, n_tok, 0);
    sequence.planned = sequence.state.slot.slot();
    sequence.planned_rows = sequence.state.pages.n_rows();
    const SlotRef before = sequence.state.slot.share();  // so the chain writes another slot
    MicroBatch& micro_batch = micro_batches_.front();
    const ScopeExit nothing_stays([&] {
        if (!done) executor_.drain();
        micro_batch.drop_states();
    });
    next_input_ = next_token_ = 0;
    take_tokens(micro_batch, batch, 1);
    build_inputs(micro_batch, batch);
    KRAIT_CHECK(prepare(micro_batch));
    const bool by_host = n_tok == 1 || n_stages_ > 1 || options_.observer;
    KRAIT_CHECK(by_host ? chain_by_host(micro_batch, input.stops, n_tok) : chain_on_device(micro_batch, input, n_tok));
    for (size_t i = 0; i + 1 < n_tok; ++i) chain_tokens_.push_back(candidates_[i].token);
    read.tokens = chain_tokens_;
    micro_batch.chunks[0].count = n_tok;
    commit(micro_batch, batch);
    rows_[0].top_row = n_tok - 1;
    done = true;
    return std::span<const Candidate>(candidates_).first(n_tok);
}

void Session::set_chain_row(MicroBatch& micro_batch, size_t i) {
    if (!memory_.pages()) return;
    const PageList& pages = at(micro_batch.chunks[0].sequence).state.pages;
    const int64_t row = pages.n_rows() + static_cast<int64_t>(i);
    micro_batch.cache_rows[0] = pages.row(row);
    micro_batch.positions[0] = static_cast<int32_t>(row);
}

Result<void> Session::chain_by_host(MicroBatch& micro_batch, std::span<const int32_t> stops, size_t& n_tok) {
    for (size_t i = 0; i < n_tok; ++i) {
        if (i > 0) {
            micro_batch.src_slot[0] = micro_batch.dst_slot[0];
            micro_batch.ids[0] = candidates_[i - 1].token;
        }
        set_chain_row(micro_batch, i);
        KRAIT_CHECK(run(micro_batch));
        KRAIT_CHECK(take_candidate(i, top_logits_[0], top_tokens_[0]));
        if (is_end(candidates_[i], stops)) n_tok = i + 1;
    }
    return {};
}

Result<void> Session::chain_on_device(MicroBatch& micro_batch, const ChainInput& input, size_t& n_tok) {
    graph::Compiled& compiled = *micro_batch.compiled;
    const size_t device = compiled.device_of(0), word = sizeof(int32_t);
    const auto max_tokens = static_cast<size_t>(options_.max_chain);
    if (!chain_buffer_) {
        KRAIT_TRY(chain_buffer_, executor_.device(device).create_buffer(KRAIT_BUFFER_DEVICE, 2 * max_tokens * word));
    }
    const RunTensors tensors = run_tensors(compiled.graph());
    const int32_t before = micro_batch.src_slot[0];
    for (size_t i = 0; i < n_tok; ++i) {
        set_chain_row(micro_batch, i);
        if (i == 0) {
            KRAIT_CHECK(executor_.run(compiled, micro_batch.inputs, {}, micro_batch.sizes));
        } else {
            micro_batch.src_slot[0] = micro_batch.dst_slot[0];
            const graph::DeviceBytes previous{tensors.ids, &chain_buffer_, (i - 1) * word};
            KRAIT_CHECK(executor_.run(compiled, std::span(micro_batch.inputs).subspan(1), {&previous, 1}, micro_batch.sizes));
        }
        KRAIT_CHECK(executor_.copy_output(compiled, {tensors.top_tokens, &chain_buffer_, i * word}));
        KRAIT_CHECK(executor_.copy_output(compiled, {tensors.top_logits, &chain_buffer_, (max_tokens + i) * word}));
    }
    Queue& queue = executor_.queue(device);
    KRAIT_CHECK(queue.read(std::as_writable_bytes(std::span(top_tokens_)), chain_buffer_, 0));
    KRAIT_CHECK(queue.read(std::as_writable_bytes(std::span(top_logits_)), chain_buffer_, max_tokens * word));
    KRAIT_CHECK(executor_.sync());

    const size_t n_run = n_tok;
    for (size_t i = 0; i < n_tok; ++i) {
        KRAIT_CHECK(take_candidate(i, top_logits_[i], top_tokens_[i]));
        if (is_end(candidates_[i], input.stops)) n_tok = i + 1;
    }
    if (n_tok == n_run) return {};
    for (size_t i = 0; i < n_tok; ++i) {
        micro_batch.src_slot[0] = i == 0 ? before : micro_batch.dst_slot[0];
        micro_batch.ids[0] = i == 0 ? input.token : candidates_[i - 1].token;
        set_chain_row(micro_batch, i);
        KRAIT_CHECK(executor_.run(compiled, micro_batch.inputs, {}, micro_batch.sizes));
    }
    return executor_.sync();
}

}  // namespace krait
