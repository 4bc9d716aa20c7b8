// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/ragged_checks.hpp"

#include <algorithm>
#include <numeric>

#include "tests/harness/compare.hpp"
#include "tests/harness/random.hpp"
#include "tests/harness/runner.hpp"
#include "tests/harness/tolerance.hpp"

namespace krait::harness {
namespace {

// Longer sequences are not stepped one by one: chunks cover them.
constexpr int32_t kMaxSteps = 70;
constexpr double kMaxStepFlops = 2e7;

// Rows [first, first + count) of the original sequence `seq`.
struct Chunk {
    int32_t seq = 0;
    int32_t first = 0, count = 0;
    int32_t src = -1, dst = -1;
};

struct Ragged {
    std::span<const int32_t> start, src, dst, snapshots;
    int32_t n_seq() const { return static_cast<int32_t>(src.size()); }
    int32_t length(int32_t b) const { return start[static_cast<size_t>(b) + 1] - start[static_cast<size_t>(b)]; }
};

Ragged ragged_of(const Case& of, const CaseData& data) {
    const auto ids = [&](IndexMeaning meaning) {
        return data.ids(static_cast<size_t>(find_operand(of.spec().inputs, meaning)));
    };
    return {ids(IndexMeaning::sequence_starts), ids(IndexMeaning::slots_read), ids(IndexMeaning::slots_written),
            ids(IndexMeaning::snapshots)};
}

// Runs pieces of a case's sequences on one pool, and gathers the rows of the result.
class ChunkedRun {
  public:
    static Result<ChunkedRun> create(std::shared_ptr<const Device> device, const Case& of, const CaseData& data,
                                     int64_t extra_slots) {
        ChunkedRun made(of, data);
        KRAIT_TRY(made.resources_, Resources::create(device, of, data, true, extra_slots));
        KRAIT_TRY(made.queue_, device->create_queue());
        KRAIT_CHECK(import_memory(made.queue_, made.resources_, data.memory));
        made.y_.resize(static_cast<size_t>(element_count(data.out[0])));
        return made;
    }

    // One run; the sequences of `pieces` in their order.
    Result<void> run(const std::vector<Chunk>& chunks) {
        int32_t n_tok = 0;
        for (const Chunk& chunk : chunks) n_tok += chunk.count;
        Program& program = programs_[{n_tok, chunks.size()}];
        const OpSpec& spec = of_->spec();
        CaseData data = gather(chunks, n_tok, program.of);
        std::array<const TensorDesc*, KRAIT_MAX_INPUTS> descs{};
        for (size_t i = 0; i < spec.inputs.size(); ++i)
            if (program.of.in[i].present()) descs[i] = &program.of.in[i].desc;
        KRAIT_CHECK(spec.infer(descs, program.of.params.data(), data.out));
        if (!program.bound) {
            KRAIT_TRY(BoundCase bound, BoundCase::create(resources_, program.of, data, Layout::plain));
            program.bound = std::make_unique<BoundCase>(std::move(bound));
        }
        KRAIT_TRY(Observed observed, program.bound->run(data));
        if (!observed.damage.empty()) return fail(ErrorCode::internal, "{}", observed.damage);
        const std::span<const float> rows = observed.floats(0);
        const auto width = static_cast<ptrdiff_t>(row_width());
        ptrdiff_t from = 0;
        for (const Chunk& chunk : chunks) {
            const ptrdiff_t to = ragged_.start[static_cast<size_t>(chunk.seq)] + chunk.first;
            std::copy_n(rows.begin() + from * width, chunk.count * width, y_.begin() + to * width);
            from += chunk.count;
        }
        memory_ = std::move(observed.memory);
        return {};
    }

    const std::vector<float>& y() const { return y_; }
    std::span<const float> state(int64_t slot) const { return data_->state_of(memory_, slot); }

  private:
    struct Program {
        Case of;
        std::unique_ptr<BoundCase> bound;
    };
    ChunkedRun(const Case& of, const CaseData& data) : of_(&of), data_(&data), ragged_(ragged_of(of, data)) {}
    size_t row_width() const {
        return static_cast<size_t>(element_count(data_->out[0]) / std::max<int64_t>(data_->out[0].extent[0], 1));
    }

    // The rows of all operands that have rows, and the indices of this run. `shapes`: the case as it is for n_tok rows.
    CaseData gather(const std::vector<Chunk>& chunks, int32_t n_tok, Case& shapes) const {
        CaseData data;
        data.n_slots = data_->n_slots;
        data.slot_bytes = data_->slot_bytes;
        shapes.op = of_->op;
        shapes.params = of_->params;
        const OpSpec& spec = of_->spec();
        std::vector<int32_t> start{0}, src, dst;
        for (const Chunk& chunk : chunks) {
            start.push_back(start.back() + chunk.count);
            src.push_back(chunk.src);
            dst.push_back(chunk.dst);
        }
        for (size_t i = 0; i < spec.inputs.size(); ++i) {
            const Operand& operand = of_->in[i];
            const IndexMeaning meaning = spec.inputs[i].index;
            if (!operand.present() || meaning == IndexMeaning::snapshots) continue;
            shapes.in[i] = Operand{.desc = operand.desc, .as_constant = operand.as_constant};
            if (spec.inputs[i].kind == OperandKind::index) {
                const std::vector<int32_t>& ids = meaning == IndexMeaning::sequence_starts ? start
                                                  : meaning == IndexMeaning::slots_read    ? src
                                                                                           : dst;
                const auto bytes = std::as_bytes(std::span(ids));
                data.in[i].assign(bytes.begin(), bytes.end());
                shapes.in[i].desc = make_desc(DType::I32, {static_cast<int64_t>(ids.size())});
            } else if (spec.inputs[i].kind == OperandKind::value) {
                const auto width = static_cast<size_t>(inner_bytes(operand.desc));
                for (const Chunk& chunk : chunks) {
                    const auto from = data_->in[i].begin() + (ragged_.start[static_cast<size_t>(chunk.seq)] + chunk.first) *
                                                                 static_cast<ptrdiff_t>(width);
                    data.in[i].insert(data.in[i].end(), from, from + chunk.count * static_cast<ptrdiff_t>(width));
                }
                std::array<int64_t, KRAIT_MAX_RANK> extents{};
                std::copy(std::begin(operand.desc.extent), std::end(operand.desc.extent), extents.begin());
                extents[0] = n_tok;
                shapes.in[i].desc = make_desc(DType::F32, std::span<const int64_t>(extents.data(), operand.desc.rank));
            }
        }
        return data;
    }

    const Case* of_;
    const CaseData* data_;
    Ragged ragged_;
    Resources resources_;
    Queue queue_;
    std::map<std::pair<int32_t, size_t>, Program> programs_;  // by rows and sequences: the same program runs with other indices
    std::vector<float> y_;
    std::vector<std::byte> memory_;
};

std::vector<double> doubles(std::span<const float> values) { return {values.begin(), values.end()}; }

// `lengths[b]`: the pieces that sequence b is cut into, in order. Round r runs the r-th piece of each; sequences that are done
// take no part. Between rounds the state lies in a slot of the sequence's own, behind those of the case.
Result<void> check_chunks(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data,
                          const Observed& whole, const std::vector<std::vector<int32_t>>& lengths, double error,
                          const char* law) {
    const Ragged ragged = ragged_of(of, data);
    KRAIT_TRY(ChunkedRun run, ChunkedRun::create(device, of, data, ragged.n_seq()));
    size_t rounds = 0;
    for (const auto& chunks : lengths) rounds = std::max(rounds, chunks.size());
    std::vector<int32_t> done(lengths.size(), 0);
    // A round's writes must not hit what a later round reads for the first time, so everybody starts in round 0 and the
    // case's own slots are written in a round after the last.
    for (size_t r = 0; r <= rounds; ++r) {
        std::vector<Chunk> chunks;
        for (int32_t b = 0; b < ragged.n_seq(); ++b) {
            const auto s = static_cast<size_t>(b);
            const auto own = static_cast<int32_t>(data.n_slots) + b;
            if (r == rounds) {
                if (ragged.dst[s] >= 0) chunks.push_back({b, done[s], 0, own, ragged.dst[s]});
                continue;
            }
            if (r > 0 && r >= lengths[s].size()) continue;
            const int32_t count = r < lengths[s].size() ? lengths[s][r] : 0;
            chunks.push_back({b, done[s], count, r == 0 ? ragged.src[s] : own, own});
            done[s] += count;
        }
        if (!chunks.empty()) KRAIT_CHECK(run.run(chunks));
        // A snapshot says what the state is right after its row.
        for (size_t k = 0; r < rounds && k + 1 < ragged.snapshots.size(); k += 2)
            for (const Chunk& chunk : chunks) {
                const int32_t last = ragged.start[static_cast<size_t>(chunk.seq)] + chunk.first + chunk.count - 1;
                if (chunk.count == 0 || ragged.snapshots[k] != last) continue;
                const auto snapshot = data.state_of(whole.memory, ragged.snapshots[k + 1]);
                if (const auto why =
                        compare({fmt::format("snapshot of row {}", last), error, error * kRowFactor, data.slot_floats()},
                                snapshot, doubles(run.state(chunk.dst))))
                    return fail(ErrorCode::internal, "{}: {}", law, *why);
            }
    }
    const int64_t row = error_row(of, data.out[0]);
    if (const auto why = compare({"y", error, error * kRowFactor, row}, run.y(), doubles(whole.floats(0))))
        return fail(ErrorCode::internal, "{}: {}", law, *why);
    for (const int32_t slot : ragged.dst) {
        if (slot < 0) continue;
        const auto expected = data.state_of(whole.memory, slot);
        if (const auto why = compare({fmt::format("state of slot {}", slot), error, error * kRowFactor, data.slot_floats()},
                                     run.state(slot), doubles(expected)))
            return fail(ErrorCode::internal, "{}: {}", law, *why);
    }
    return {};
}

Result<void> check_order(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data,
                         const Observed& whole) {
    const Ragged ragged = ragged_of(of, data);
    std::vector<int32_t> order(static_cast<size_t>(ragged.n_seq()));
    std::iota(order.begin(), order.end(), 0);
    Random random(seed_of(of.name, 7));
    for (size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
    std::vector<Chunk> chunks;
    for (const int32_t b : order)
        chunks.push_back({b, 0, ragged.length(b), ragged.src[static_cast<size_t>(b)], ragged.dst[static_cast<size_t>(b)]});
    KRAIT_TRY(ChunkedRun run, ChunkedRun::create(device, of, data, 0));
    KRAIT_CHECK(run.run(chunks));
    const auto wrong = [](const std::string& why) {
        return fail(ErrorCode::internal, "the sequences in another order: {}", why);
    };
    if (const auto why = compare({"y", kChunkError, kChunkError * kRowFactor, error_row(of, data.out[0])}, run.y(),
                                 doubles(whole.floats(0))))
        return wrong(*why);
    for (const int32_t slot : ragged.dst) {
        if (slot < 0) continue;
        const auto expected = data.state_of(whole.memory, slot);
        if (const auto why =
                compare({fmt::format("state of slot {}", slot), kChunkError, kChunkError * kRowFactor, data.slot_floats()},
                        run.state(slot), doubles(expected)))
            return wrong(*why);
    }
    return {};
}

}  // namespace

Result<void> check_ragged_laws(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data) {
    const Ragged ragged = ragged_of(of, data);
    Observed whole;
    {
        KRAIT_TRY(const Resources resources, Resources::create(device, of, data, true));
        KRAIT_TRY(Queue queue, device->create_queue());
        KRAIT_TRY(BoundCase bound, BoundCase::create(resources, of, data, Layout::plain));
        KRAIT_CHECK(import_memory(queue, resources, data.memory));
        KRAIT_TRY(whole, bound.run(data));
    }
    int32_t longest = 0;
    for (int32_t b = 0; b < ragged.n_seq(); ++b) longest = std::max(longest, ragged.length(b));
    if (longest > 1) {
        Random random(seed_of(of.name, 5));
        std::vector<std::vector<int32_t>> chunks(ragged.src.size()), steps(ragged.src.size());
        for (int32_t b = 0; b < ragged.n_seq(); ++b) {
            const int32_t length = ragged.length(b);
            // Up to a third of the sequence each, and now and then nothing at all.
            for (int32_t left = length; left > 0;) {
                const auto chunk = std::min(left, static_cast<int32_t>(random.below(std::max(2, length / 3 + 2))));
                chunks[static_cast<size_t>(b)].push_back(chunk);
                left -= chunk;
            }
            steps[static_cast<size_t>(b)].assign(static_cast<size_t>(length), 1);
        }
        KRAIT_CHECK(check_chunks(device, of, data, whole, chunks, kChunkError, "the run in chunks"));
        if (longest <= kMaxSteps && of.flops <= kMaxStepFlops)
            KRAIT_CHECK(check_chunks(device, of, data, whole, steps, kStepError, "the run in single steps"));
    }
    if (ragged.n_seq() > 1) KRAIT_CHECK(check_order(device, of, data, whole));
    return {};
}

}  // namespace krait::harness
