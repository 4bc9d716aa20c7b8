// SPDX-License-Identifier: Apache-2.0
//
// A session: sequences that a model continues, each with its own recurrent state. One decode call takes any mix of prompts and
// single tokens of different sequences. They share runs: no sequence is padded to the length of another, and the run as a whole
// is rounded up to one of few shapes (run_shapes.hpp). On a model of several devices a long batch is cut into
// micro-batches that go through the devices as a pipeline.
//   KRAIT_TRY(Session session, Session::create(model));
//   KRAIT_CHECK(session.decode({{.sequence = 0, .tokens = prompt}}));
//   KRAIT_TRY(int32_t next, sampler.sample(session.logits(0)));
// One thread at a time; several sessions of one model may run at once.
#pragma once

#include <atomic>

#include "models/memory/sequence_memory.hpp"
#include "models/model.hpp"
#include "models/sampler/candidate.hpp"
#include "models/session/activations.hpp"
#include "models/session/micro_batch.hpp"
#include "models/session/run_shapes.hpp"

namespace krait {

struct SessionOptions {
    int32_t max_sequences = 1;                       // at most kMaxSequences
    int32_t max_batch_tokens = kDefaultBatchTokens;  // rows of one run; longer prompts are cut into several
    int32_t max_forks = 0;      // more states, for forks that go on in one run: without them states are copied before it
    int32_t max_snapshots = 0;  // states that sequences may go back to, of all sequences together; at most kMaxSnapshots
    // Where the model has memories of pages: tokens of all sequences and snapshots together, rounded up to pages of
    // kRowsPerPage; at most kMaxCachedTokens. States that share a page count it once. 0: enough for all sequences to reach
    // max_sequence_tokens, and for a page of its own for each snapshot.
    int64_t max_cached_tokens = 0;
    // There, tokens of one sequence, its context; at most kMaxSequenceTokens. 0: an equal share of the cached tokens, at least
    // kDefaultCachedTokens.
    int64_t max_sequence_tokens = 0;
    int32_t max_chain = 1;        // tokens of one chain(); above 1 the session has one more state; at most kMaxChain
    bool exact_shapes = false;    // a program for each exact shape of a run (run_shapes.hpp): to measure what padding is worth
    ActivationObserver observer;  // where given, called after each run for every matrix product in it; shapes are exact then
    // Where given, told of every run and its times; a batch then goes through several devices without a pipeline, and shapes
    // are exact. Outlives the session.
    graph::RunObserver* run_observer = nullptr;
    static constexpr int32_t kMaxSequences = 65536, kMaxSnapshots = 65536, kMaxChain = 4096;
    static constexpr int64_t kMaxCachedTokens = int64_t{1} << 30, kMaxSequenceTokens = ops::kMaxPositions;
};

// `top`: not the logits but the most likely tokens after the last one, found by the device.
enum class WantLogits : uint8_t { none, last, all, top };

// Hidden states: the results of the final norm, d_model floats a token, which embeddings are made of: those of
// the last token, those of each one, or their mean over the tokens of the input.
enum class WantHidden : uint8_t { none, last, all, mean };

// Tokens that one sequence goes on with.
struct SequenceInput {
    int32_t sequence = 0;
    std::span<const int32_t> tokens;  // at least one
    WantLogits want = WantLogits::last;
    int32_t top_k = 0;                       // with `top`: how many, 1 or more; no more than there are tokens come back
    std::span<const size_t> snapshots = {};  // after so many of these tokens, ascending, the state is kept
    WantHidden hidden = WantHidden::none;
};

// Greedy decoding of one sequence, several tokens a call.
struct ChainInput {
    int32_t sequence = 0;
    int32_t token = 0;                    // that it goes on with
    int32_t n_tok = 1;                    // that are wanted after it; at most SessionOptions::max_chain come
    std::span<const int32_t> stops = {};  // the end of text, say: the chain ends with the first of these
};

struct DecodeControl {
    const std::atomic<bool>* cancel = nullptr;                  // asked between runs; decode then fails with `cancelled`
    std::function<void(int64_t done, int64_t total)> progress;  // tokens; called after each run
    bool is_cancelled() const { return cancel && cancel->load(std::memory_order_relaxed); }
};

class Session {
  public:
    static Result<Session> create(std::shared_ptr<const Model> model, const SessionOptions& options = {});

    // Every sequence once at most. After an error about the input, and where there are not enough pages for its tokens
    // (out_of_memory), no sequence has changed; after one from a device, and after `cancelled`, the sequences hold what was
    // done before: see tokens(). A sequence whose state a failed run may have half written refuses to go on until it is reset,
    // restored or rolled back.
    Result<void> decode(std::span<const SequenceInput> batch, const DecodeControl& control = {});
    Result<void> decode(std::initializer_list<SequenceInput> batch, const DecodeControl& control = {}) {
        return decode(std::span(batch.begin(), batch.size()), control);
    }

    // The most likely token after input.token, the most likely after that one, and so on: what decode would find with top_k =
    // 1, called again and again with the token that it found. On one device the device goes on with each token by itself, and
    // the host waits once; on several it stands between them, and nothing is gained. The sequence has read all but the last
    // one. The chain ends early with a token of `stops`, and with a logit that is not finite (samplers refuse it); the device
    // may have run past it by then, and reads the tokens up to there once more. Where max_chain is above 1, after any error the
    // sequence is what it was, else as decode leaves it. Good until the next decode or chain; candidates(0) is the last one.
    Result<std::span<const Candidate>> chain(const ChainInput& input);

    // Logits of the latest decode: of its input-th entry, for its last token, or for token `row` where all were wanted.
    // n_vocab floats, good until the next decode or chain, whatever becomes of the sequence; empty where none were wanted.
    std::span<const float> logits(size_t input) const;
    std::span<const float> logits(size_t input, size_t row) const;
    // Hidden states of an input of the latest decode, where they were wanted: of its last token or their mean (row 0), or of
    // token `row`. d_model floats, good as long as logits; empty where none were wanted.
    std::span<const float> hidden(size_t input, size_t row = 0) const;
    // The most likely tokens after its last one, the most likely first, where these were wanted; as long as logits.
    std::span<const Candidate> candidates(size_t input) const;

    Result<std::span<const int32_t>> tokens(int32_t sequence) const;  // all that the state has seen
    Result<void> reset(int32_t sequence);                             // forgets everything, snapshots too
    // `to` becomes what `from` is, snapshots included; costs nothing until one of them goes on (max_forks).
    Result<void> fork(int32_t from, int32_t to);
    Result<void> keep(int32_t sequence);  // resets all others

    // Keeps the state as it is now, at no cost until the sequence goes on; decode can keep states on its way too. Twice at the
    // same place is once.
    Result<void> snapshot(int32_t sequence);
    // Back to the snapshot after n_tok tokens (0: to the beginning, which needs none), also of a sequence that a failed run
    // left behind. It stays; later ones are dropped. A model without recurrent states (all memories have pages) goes back to
    // any number of tokens.
    Result<void> rollback(int32_t sequence, size_t n_tok);
    Result<void> drop_snapshot(int32_t sequence, size_t n_tok);
    Result<std::span<const Snapshot>> snapshots(int32_t sequence) const;  // the earliest first

    // A snapshot that belongs to the caller: it stays when the sequence goes on, is reset or goes back, and moves with the
    // session (move_to). It counts among max_snapshots.
    Result<Snapshot> capture(int32_t sequence);
    // The sequence becomes one that has read these tokens, as many as `from` has seen. From the same session; snapshots that
    // the sequence had are dropped.
    Result<void> resume(int32_t sequence, const Snapshot& from, std::span<const int32_t> tokens);

    // Positions are counted for the application; these models do not read them. A token's position is one more than that of the
    // token before it, the first one's is 0. Ranges are [first, last); last = kEnd: whatever follows.
    static constexpr int64_t kEnd = -1;
    Result<int64_t> position(int32_t sequence) const;  // that the next token gets
    // By how many tokens a sequence can go on as long as no other one does; nothing where the model keeps nothing for each
    // token.
    Result<std::optional<int64_t>> room(int32_t sequence) const;

    // Moves, or divides, the positions in the range; what counts is that of the latest token. So for snapshots.
    Result<void> add_to_positions(int32_t sequence, int64_t first, int64_t last, int64_t delta);
    Result<void> divide_positions(int32_t sequence, int64_t first, int64_t last, int64_t divisor);
    // Takes tokens away as far as a recurrent state can: all of them, which is a reset; those from a snapshot on, which is a
    // rollback. What the range leaves behind it goes on standing there: the state cannot unlearn the middle, and nothing
    // happens. `unsupported` where the range ends the sequence and no snapshot stands where it begins.
    Result<void> remove(int32_t sequence, int64_t first, int64_t last);

    // The sequence as bytes (models/memory/state_file.hpp), and back, on any device and backend.
    Result<std::vector<std::byte>> save(int32_t sequence);
    Result<void> restore(int32_t sequence, std::span<const std::byte> bytes);

    // Goes on with the same model on other devices: states move there, those of snapshots that the application holds too;
    // logits of the latest decode are gone. After an error nothing has changed.
    Result<void> move_to(std::shared_ptr<const Model> model);

    const Model& model() const { return *model_; }
    int32_t max_sequences() const { return static_cast<int32_t>(sequences_.size()); }
    int32_t max_chain() const { return options_.max_chain; }
    const graph::Executor& executor() const { return executor_; }
    uint64_t state_device_bytes() const { return memory_.device_bytes(); }
    // Pages that no sequence or snapshot has, each for kRowsPerPage tokens of one sequence; 0 where the model has no memories
    // of pages. Whoever admits requests asks before a decode.
    int64_t n_free_pages() const { return memory_.pages() ? memory_.pages()->n_free() : 0; }

  private:
    struct Sequence {
        StateRef state;            // empty = fresh: its state is zero
        int32_t planned = -1;      // during a decode: its slot when all pending runs are done,
        int64_t planned_rows = 0;  // and its rows in pages
        bool broken = false;
        int64_t position = 0;  // of the next token
        std::vector<int32_t> tokens;
        std::vector<Snapshot> snapshots;  // the earliest first
    };
    struct Rows {
        size_t first = 0, count = 0;            // in logits_
        size_t top_row = 0, n_top = 0;          // in top_logits_ and top_tokens_; how many of the row
        size_t first_hidden = 0, n_hidden = 0;  // in hidden_, in rows
    };
    Session(std::shared_ptr<const Model> model, graph::Executor executor, SequenceMemory memory, const SessionOptions& options);
    Result<graph::PlacedGraph> graph_of(const RunShape& shape) const;
    Result<void> check_sequence(int32_t sequence) const;
    Result<void> check_batch(std::span<const SequenceInput> batch);
    Result<void> check_free_snapshots(size_t n_snapshot) const;
    // The steps of a micro-batch: it takes tokens of the batch, gets a graph and slots, runs, and is committed.
    Result<void> decode_in_turn(std::span<const SequenceInput> batch, const DecodeControl& control, size_t n_tok);
    Result<void> step(MicroBatch& micro_batch, std::span<const SequenceInput> batch);
    Result<void> decode_pipelined(std::span<const SequenceInput> batch, const DecodeControl& control, size_t n_tok);
    bool can_pipeline(std::span<const SequenceInput> batch) const;
    bool take_tokens(MicroBatch& micro_batch, std::span<const SequenceInput> batch,
                     size_t max_rows);                                                 // from the batch; false: none are left
    void build_inputs(MicroBatch& micro_batch, std::span<const SequenceInput> batch);  // what its graph reads, and the shape
    void pad_inputs(MicroBatch& micro_batch);                                          // to the shape that it gets
    void add_hidden_rows(MicroBatch& micro_batch, const SequenceInput& input, const SequenceChunk& chunk);
    void take_means(std::span<const SequenceInput> batch);
    Result<void> prepare(MicroBatch& micro_batch);  // a graph, slots and rows
    void plan_rows(MicroBatch& micro_batch);        // where its tokens go in memories of pages
    // A chain's steps, from the state in a slot: with the host between them, or without. n_tok = how many there are then.
    Result<void> chain_by_host(MicroBatch& micro_batch, std::span<const int32_t> stops, size_t& n_tok);
    Result<void> chain_on_device(MicroBatch& micro_batch, const ChainInput& input, size_t& n_tok);
    void set_chain_row(MicroBatch& micro_batch, size_t i);  // where the i-th token of the chain goes in memories of pages
    Result<void> take_candidate(size_t i, float logit, int32_t token);
    // Where a batch would need more slots than are free, since sequences share theirs and both are needed until a run is over,
    // copies states so that each sequence of the batch has one of its own.
    Result<void> take_own_states(std::span<const SequenceInput> batch);
    // Pages for all tokens of the batch; and back what was not used of them.
    Result<void> take_pages(std::span<const SequenceInput> batch, size_t n_tok_each = 0);
    void drop_reserved_pages(std::span<const SequenceInput> batch) noexcept;
    // Its graph is compiled: prepare() changes nothing that pending runs use.
    bool is_known(const MicroBatch& micro_batch) const { return executor_.is_ready(RunKey(micro_batch.shape).text()); }
    Result<void> run(MicroBatch& micro_batch);
    // After a run: sequences have moved on; or it has failed, and those that it wrote in place are broken.
    void commit(MicroBatch& micro_batch, std::span<const SequenceInput> batch) noexcept;
    void interrupt(MicroBatch& micro_batch) noexcept;
    // So that commit() allocates nothing.
    static void reserve_for(Sequence& sequence, size_t n_tok, size_t n_snapshot);
    Sequence& at(int32_t sequence) { return sequences_[static_cast<size_t>(sequence)]; }
    const Sequence& at(int32_t sequence) const { return sequences_[static_cast<size_t>(sequence)]; }
    Result<std::vector<Snapshot>::iterator> find_snapshot(int32_t sequence, size_t n_tok);
    static void go_back(Sequence& sequence, std::vector<Snapshot>::iterator to);
    Result<void> truncate(int32_t sequence, size_t n_tok);  // where all memories have pages
    Result<void> check_pages_for(const Sequence& sequence, int64_t n_tok) const;
    Result<void> check_range(int32_t sequence, int64_t first, int64_t last) const;
    template <class Move>
    Result<void> move_positions(int32_t sequence, int64_t first, int64_t last, Move&& move);

    std::shared_ptr<const Model> model_;
    graph::Executor executor_;
    SequenceMemory memory_;
    SessionOptions options_;
    int64_t max_sequence_tokens_;  // where the model has memories of pages
    RunShapes shapes_;
    std::vector<Sequence> sequences_;
    // Results of the latest decode:
    std::vector<float> logits_;
    std::vector<float> hidden_;        // rows of d_model
    std::vector<double> hidden_sums_;  // as hidden_; used where a mean is wanted
    std::vector<float> top_logits_;    // rows of top_k_, as top_tokens_
    std::vector<int32_t> top_tokens_;
    std::vector<Candidate> candidates_;
    size_t top_k_ = 0;        // of the latest decode
    size_t usual_top_k_ = 0;  // that every run finds, since it was wanted once
    std::vector<Rows> rows_;  // by input
    // Buffers of chains:
    std::vector<int32_t> chain_tokens_;  // that the sequence reads
    Buffer chain_buffer_;                // what the device found: max_chain tokens, then their logits
    // Progress of the current decode:
    size_t next_input_ = 0, next_token_ = 0;  // what the next run begins with
    std::vector<uint8_t> seen_;               // by sequence
    size_t n_stages_ = 1;                     // devices that the model uses
    size_t min_chunk_rows_ = kMinChunkRows;   // of a micro-batch of the pipeline
    std::vector<SequenceMemory::Growth> growths_;
    std::vector<MicroBatch> micro_batches_;  // one, or as many as may be pending
};

}  // namespace krait
