// SPDX-License-Identifier: Apache-2.0
//
// ssm_scan (contract: core/ops/ssm_scan.hpp), both forms by one kernel. Channels c = h * head_dim + p are what is parallel:
// kLanes of them share registers, a state n is one register, and nothing is ever summed over lanes. A block of channels walks
// down its sequence in spans of kSpan rows: what depends on the row and channel alone (d, d * x, the decay where A has one
// column, D * x) is computed for the span first; then tiles of kTile states pass over the span in registers, adding to y; then
// z. The pool has the same order ([blocks of kLanes channels][d_state][kLanes], ScanStatePool), so a state is loaded and stored
// as it stands. y begins with D * x, and states are added one after another in the order of n, whatever the tiles, rows, spans
// and threads: the same bits for a prompt in one run and for its tokens one by one. Pieces are (sequence, up to kWide blocks):
// a row of a block is a line of each tensor, a page or more from the next row, so kWide lines are read where a page is looked
// up; and lines that the next part of the work needs are fetched while tiles compute.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "backends/cpu/ops/row_prefetcher.hpp"
#include "backends/cpu/ops/sequences.hpp"
#include "backends/cpu/simd/math.hpp"
#include "core/ops/ssm_scan.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

constexpr int64_t kSpan = 32;  // rows; 4 arrays of kSpan registers a block and B and C stay in level 1 or 2
constexpr int64_t kWide = 8;   // blocks that walk down together, and where there is little to walk down
constexpr int64_t kNarrow = 4;
constexpr int kTile = kRegisters >= 32 ? 16 : 8;  // registers of states; the rest holds the polynomial, factors and sums

struct Problem {
    const ops::SsmScan::In<Tensor>* in;
    const Tensor* y;
    const InterleavedConstant* interleaved;  // A * log2(e) as blocks of [d_state][kLanes] where head_dim is 1, or nullptr
    ops::SsmScanParams params;
    int64_t n_head, head_dim, n_group, d_state, channels;
    Sequences sequences;

    int64_t group_width() const { return channels / n_group; }
    bool decay_of_state() const { return in->A.extent(1) > 1; }
};

// Memory of a thread for one of its blocks; b and c are the same for all.
struct Scratch {
    float *d, *dx, *decay, *y;  // [kSpan][kLanes] each
    float* state;               // [d_state][kLanes]
    float* a;                   // [d_state][kLanes]
    float *b, *c;               // [kSpan][d_state][kLanes], for blocks whose channels belong to several groups

    static int64_t floats_of_block(int64_t d_state) { return kLanes * (4 * kSpan + 2 * d_state); }
    static int64_t floats(int64_t d_state) { return kWide * floats_of_block(d_state) + kLanes * 2 * kSpan * d_state; }
    Scratch() = default;
    Scratch(float* memory, int64_t d_state, int64_t block) {
        b = memory + kWide * floats_of_block(d_state), c = b + kSpan * d_state * kLanes;
        memory += block * floats_of_block(d_state);
        const auto take = [&](int64_t registers) { return std::exchange(memory, memory + registers * kLanes); };
        d = take(kSpan), dx = take(kSpan), decay = take(kSpan), y = take(kSpan);
        state = take(d_state), a = take(d_state);
    }
};

// One block of channels.
struct Block {
    int64_t index, c0, n;  // first channel, and how many lanes have one
    bool one_head;         // and that head has one decay for all states
    bool follows;          // the block before it is of the same one head, and has its d and decay in the memory that both use
    bool one_group;
    int64_t group;   // of the first channel
    const float* a;  // [d_state][kLanes], times log2(e), or nullptr: the decay is the same for all states
    // With a: the largest |d| for which no product with a state's a overflows; the decay is 0 or infinite long before.
    Vec highest_d;
    Vec bias, skip;  // dt_bias and D of its channels, or 0
    Vec a_of_all;    // without a: the decay's, times log2(e)
    Scratch s;
    const float* from;  // the state before the span, or nullptr: zeros
    float* to;          // and behind it
};

// A decay of more than this is none: a token later nothing is left of the state.
constexpr float kHighestA = 1e30f;

// Readies block.a for exp2_of_finite. Where a lane has an a beyond kHighestA (or infinite), copies it, bounded, to `copy`.
void bound_decays(Block& block, int64_t d_state, float* copy) {
    Vec top = broadcast(1.0f);
    for (int64_t n = 0; n < d_state; ++n) top = max(abs(load(block.a + n * kLanes)), top);
    if (!(highest(top) <= kHighestA)) {
        const Vec limit = broadcast(kHighestA);
        for (int64_t n = 0; n < d_state; ++n) {
            const Vec a = load(block.a + n * kLanes);
            store(copy + n * kLanes, max(zero() - limit, min(limit, a)));
        }
        block.a = copy;
        top = min(limit, top);
    }
    block.highest_d = broadcast(3e38f) / top;
}

// value(h) for each lane's head; 0 in lanes without a channel.
template <class Value>
inline Vec by_head(const Problem& p, const Block& block, Value&& value) {
    const int64_t first = block.c0 / p.head_dim;
    if ((block.c0 + block.n - 1) / p.head_dim == first && block.n == kLanes) return broadcast(value(first));
    alignas(64) float lanes[kLanes] = {};
    for (int64_t lane = 0; lane < block.n; ++lane) lanes[lane] = value((block.c0 + lane) / p.head_dim);
    return load(lanes);
}

// row[h] for each lane's head.
inline Vec load_by_head(const Problem& p, const Block& block, const float* row) {
    if (p.head_dim == 1) return load_up_to(row + block.c0, block.n);
    return by_head(p, block, [&](int64_t h) { return row[h]; });
}

// d in all lanes of a register: dt_bias added, softplus and bounds applied.
[[gnu::always_inline]] inline Vec step_of(const Problem& p, Vec dt, Vec bias) {
    Vec d = dt + bias;
    if (p.params.dt_softplus) d = softplus(d);
    return min(broadcast(p.params.dt_max), max(broadcast(p.params.dt_min), d));
}

// d and the common decay of rows t0 .. of a block whose channels are one head's: kLanes rows share a register.
void prepare_head(const Problem& p, const Block& block, int64_t t0, int64_t count) {
    const int64_t head = block.c0 / p.head_dim;
    for (int64_t i = 0; i < count; i += kLanes) {
        alignas(64) float lanes[kLanes] = {}, decay[kLanes];
        const int64_t n = std::min<int64_t>(kLanes, count - i);
        for (int64_t row = 0; row < n; ++row) lanes[row] = p.in->dt.row<const float>(t0 + i + row)[head];
        const Vec d = step_of(p, load(lanes), block.bias);
        store(lanes, d);
        store(decay, exp2_fast(d * block.a_of_all));
        for (int64_t row = 0; row < n; ++row) {
            store(block.s.d + (i + row) * kLanes, broadcast(lanes[row]));
            store(block.s.decay + (i + row) * kLanes, broadcast(decay[row]));
        }
    }
}

// d, d * x, D * x and the common decay of row t, which is row i of the span; d and the decay are there already where the
// channels are one head's.
[[gnu::always_inline]] inline void prepare_row(const Problem& p, const Block& block, int64_t t, int64_t i) {
    const auto& in = *p.in;
    const Scratch& s = block.s;
    Vec d;
    if (block.one_head) {
        d = load(s.d + i * kLanes);
    } else {
        d = step_of(p, load_by_head(p, block, in.dt.row<const float>(t)), block.bias);
        store(s.d + i * kLanes, block.a ? max(zero() - block.highest_d, min(block.highest_d, d)) : d);
        if (!block.a) store(s.decay + i * kLanes, exp2_fast(d * block.a_of_all));
    }
    const Vec x = load_up_to(in.x.row<const float>(t) + block.c0, block.n);
    store(s.dx + i * kLanes, d * x);
    store(s.y + i * kLanes, in.D ? block.skip * x : zero());
}

// B and C of rows t0 .. as registers, where lanes belong to different groups.
void expand_groups(const Problem& p, const Block& block, int64_t t0, int64_t count) {
    const Scratch& s = block.s;
    for (int64_t i = 0; i < count; ++i) {
        const float* b = p.in->B.row<const float>(t0 + i);
        const float* c = p.in->C.row<const float>(t0 + i);
        for (int64_t n = 0; n < p.d_state; ++n)
            for (int64_t lane = 0; lane < kLanes; ++lane) {
                const int64_t at = (i * p.d_state + n) * kLanes + lane;
                const int64_t group = std::min(block.c0 + lane, p.channels - 1) / p.group_width();
                s.b[at] = b[group * p.d_state + n];
                s.c[at] = c[group * p.d_state + n];
            }
    }
}

// States n0 .. n0 + kStates of kBlocks blocks over the rows of the span. kStateDecay: each state has its own A. kOneGroup: B
// and C are the same number in all lanes, and in all of the blocks.
template <int kBlocks, int kStates, bool kStateDecay, bool kOneGroup>
inline void tile(const Problem& p, const Block* blocks, int64_t t0, int64_t count, int64_t n0) {
    Vec state[kBlocks][kStates];
    repeat<kBlocks>([&](auto k) __attribute__((always_inline)) {
        const float* from = blocks[k].from;
        repeat<kStates>([&](auto n) { state[k][n] = from ? load(from + (n0 + n) * kLanes) : zero(); });
    });
    const int64_t first = (blocks->group * p.d_state + n0) * int64_t{sizeof(float)};
    const std::byte* b_row = p.in->B.row<const std::byte>(t0) + first;
    const std::byte* c_row = p.in->C.row<const std::byte>(t0) + first;
    const int64_t b_stride = p.in->B.desc.stride[0], c_stride = p.in->C.desc.stride[0];
    for (int64_t i = 0; i < count; ++i, b_row += b_stride, c_row += c_stride) {
        const auto *b = reinterpret_cast<const float*>(b_row), *c = reinterpret_cast<const float*>(c_row);
        const int64_t expanded = (i * p.d_state + n0) * kLanes;
        Vec d[kBlocks], dx[kBlocks], y[kBlocks];
        repeat<kBlocks>([&](auto k) __attribute__((always_inline)) {
            const Scratch& s = blocks[k].s;
            d[k] = load((kStateDecay ? s.d : s.decay) + i * kLanes);
            dx[k] = load(s.dx + i * kLanes);
            y[k] = load(s.y + i * kLanes);
        });
        repeat<kStates>([&](auto n) __attribute__((always_inline)) {
            const Vec b_n = kOneGroup ? broadcast(b[n]) : load(blocks->s.b + expanded + n * kLanes);
            const Vec c_n = kOneGroup ? broadcast(c[n]) : load(blocks->s.c + expanded + n * kLanes);
            repeat<kBlocks>([&](auto k) __attribute__((always_inline)) {
                Vec decay = d[k];
                if constexpr (kStateDecay) decay = exp2_of_finite(d[k] * load(blocks[k].a + (n0 + n) * kLanes));
                state[k][n] = fma(decay, state[k][n], dx[k] * b_n);
                y[k] = fma(state[k][n], c_n, y[k]);
            });
        });
        repeat<kBlocks>([&](auto k) __attribute__((always_inline)) { store(blocks[k].s.y + i * kLanes, y[k]); });
    }
    repeat<kBlocks>([&](auto k) __attribute__((always_inline)) {
        float* to = blocks[k].to;
        repeat<kStates>([&](auto n) { store(to + (n0 + n) * kLanes, state[k][n]); });
    });
}

template <int kBlocks, bool kStateDecay, bool kOneGroup>
void all_states(const Problem& p, const Block* blocks, int64_t t0, int64_t count, RowPrefetcher& ahead) {
    constexpr int kStates = kTile / kBlocks;
    int64_t n = 0;
    for (; n + kStates <= p.d_state; n += kStates) {
        ahead.step();
        tile<kBlocks, kStates, kStateDecay, kOneGroup>(p, blocks, t0, count, n);
    }
    for (; n + 4 <= p.d_state; n += 4) tile<kBlocks, 4, kStateDecay, kOneGroup>(p, blocks, t0, count, n);
    for (; n < p.d_state; ++n) tile<kBlocks, 1, kStateDecay, kOneGroup>(p, blocks, t0, count, n);
}

// Two blocks read each number of B and C once, where they share them.
bool are_pair(const Block& a, const Block& b) { return !a.a && a.one_group && b.one_group && a.group == b.group; }

void states_of(const Problem& p, std::span<const Block> blocks, int64_t t0, int64_t count, RowPrefetcher& ahead) {
    for (size_t i = 0; i < blocks.size(); ++i) {
        const Block& block = blocks[i];
        if (i + 1 < blocks.size() && are_pair(block, blocks[i + 1])) {
            all_states<2, false, true>(p, &block, t0, count, ahead);
            ++i;
            continue;
        }
        if (!block.one_group) expand_groups(p, block, t0, count);
        if (block.a && block.one_group) all_states<1, true, true>(p, &block, t0, count, ahead);
        else if (block.a) all_states<1, true, false>(p, &block, t0, count, ahead);
        else if (block.one_group) all_states<1, false, true>(p, &block, t0, count, ahead);
        else all_states<1, false, false>(p, &block, t0, count, ahead);
    }
}

// y times silu(z) for row t, which is row i of the span.
[[gnu::always_inline]] inline void finish_row(const Problem& p, const Block& block, int64_t t, int64_t i) {
    const Tensor& z = p.in->z;
    Vec y = load(block.s.y + i * kLanes);
    if (z) y = y * silu(load_up_to(z.row<const float>(t) + block.c0, block.n));
    store_up_to(p.y->row<float>(t) + block.c0, y, block.n);
}

// The lines that finish_row and the next span's prepare_row will touch.
RowPrefetcher prefetcher_of(const Problem& p, std::span<const Block> blocks, int64_t t0, int64_t stop, int64_t end) {
    if (stop - t0 < 2) return {};
    const int64_t tiles = static_cast<int64_t>(blocks.size()) * (p.d_state / kTile);
    const int64_t first = blocks.front().c0, count = blocks.back().c0 + blocks.back().n - first;
    const int64_t next = std::min(stop + kSpan, end);
    RowPrefetcher ahead(tiles);
    ahead.add(*p.y, t0, stop, first, count);
    ahead.add(p.in->x, stop, next, first, count);
    if (p.in->z) ahead.add(p.in->z, t0, stop, first, count);
    if (p.head_dim == 1) ahead.add(p.in->dt, stop, next, first, count);
    return ahead;
}

// Rows t0 .. stop of a sequence that ends at `end`.
void run_span(const Problem& p, std::span<const Block> blocks, int64_t t0, int64_t stop, int64_t end) {
    const int64_t count = stop - t0;
    for (const Block& block : blocks)
        if (block.one_head && !block.follows) prepare_head(p, block, t0, count);
    for (int64_t i = 0; i < count; ++i)
        for (const Block& block : blocks) prepare_row(p, block, t0 + i, i);
    RowPrefetcher ahead = prefetcher_of(p, blocks, t0, stop, end);
    states_of(p, blocks, t0, count, ahead);
    for (int64_t i = 0; i < count; ++i)
        for (const Block& block : blocks) finish_row(p, block, t0 + i, i);
}

Block block_at(const Problem& p, int64_t index, const Scratch& s) {
    const auto& in = *p.in;
    const int64_t c0 = index * kLanes, n = std::min<int64_t>(kLanes, p.channels - c0), group = c0 / p.group_width();
    Block block{.index = index,
                .c0 = c0,
                .n = n,
                .one_head = !p.decay_of_state() && n == kLanes && c0 / p.head_dim == (c0 + n - 1) / p.head_dim,
                .follows = false,
                .one_group = group == (c0 + n - 1) / p.group_width(),
                .group = group,
                .a = nullptr,
                .highest_d = zero(),
                .bias = zero(),
                .skip = zero(),
                .a_of_all = zero(),
                .s = s,
                .from = nullptr,
                .to = nullptr};
    if (in.dt_bias) block.bias = load_by_head(p, block, in.dt_bias.elements<const float>());
    if (in.D) {
        const float* d = in.D.elements<const float>();
        block.skip = in.D.desc.rank == 2 ? load_up_to(d + c0, n) : load_by_head(p, block, d);
    }
    if (p.interleaved) {
        block.a = p.interleaved->block(index);
    } else if (p.decay_of_state()) {
        const float* a = in.A.elements<const float>();
        for (int64_t k = 0; k < p.d_state; ++k)
            store(s.a + k * kLanes, by_head(p, block, [&](int64_t h) { return a[h * p.d_state + k]; }) * broadcast(kLog2e));
        block.a = s.a;
    } else {
        block.a_of_all = load_by_head(p, block, in.A.elements<const float>()) * broadcast(kLog2e);
    }
    if (block.a) bound_decays(block, p.d_state, s.a);
    return block;
}

// Blocks first .. first + wide of a sequence, or as many as there are.
void scan_blocks(const Problem& p, int64_t sequence, int64_t first, int64_t wide, float* memory) {
    const Sequence seq = p.sequences[sequence];
    const int64_t floats = p.d_state * kLanes, n_blocks = std::min(wide, blocks_of_lanes(p.channels) - first);
    const size_t bytes = static_cast<size_t>(n_blocks * floats) * sizeof(float);
    const float* source = seq.source ? seq.source + first * floats : nullptr;
    float* last = seq.destination ? seq.destination + first * floats : nullptr;
    if (seq.begin == seq.end && last) {
        if (!source) std::memset(last, 0, bytes);
        else if (source != last) std::memcpy(last, source, bytes);
        return;
    }
    std::array<Block, kWide> all;
    for (int64_t i = 0; i < n_blocks; ++i) {
        Block& block = all[static_cast<size_t>(i)];
        block = block_at(p, first + i, Scratch(memory, p.d_state, i));
        block.from = source ? source + i * floats : nullptr;
        if (i == 0) continue;
        const Block& before = all[static_cast<size_t>(i - 1)];
        block.follows = before.one_head && block.one_head && before.c0 / p.head_dim == block.c0 / p.head_dim;
        if (block.follows) block.s.d = before.s.d, block.s.decay = before.s.decay;
    }
    const std::span<Block> blocks(all.data(), static_cast<size_t>(n_blocks));
    // A slot that is written may be the one that is read: a span has read its state in full before anything is kept, and
    // from the second span on the state is in `to`.
    for (int64_t t = seq.begin; t < seq.end;) {
        const int64_t stop =
            std::min(p.sequences.next_snapshot(t, std::min(t + kSpan, seq.end)) + 1, std::min(t + kSpan, seq.end));
        for (Block& block : blocks) block.to = stop == seq.end && last ? last + (block.index - first) * floats : block.s.state;
        run_span(p, blocks, t, stop, seq.end);
        p.sequences.for_snapshots(stop - 1, [&](float* slot) {
            for (const Block& block : blocks)
                std::memcpy(slot + block.index * floats, block.to, static_cast<size_t>(floats) * sizeof(float));
        });
        for (Block& block : blocks) block.from = block.to;
        t = stop;
    }
}

}  // namespace

void ssm_scan(const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Params& params, const ops::SsmScan::Out<Tensor>& out,
              Context& context) {
    const int64_t n_head = in.x.extent(1), head_dim = in.x.extent(2);
    const Problem p{.in = &in,
                    .y = &out.y,
                    .interleaved = head_dim == 1 ? dynamic_cast<const InterleavedConstant*>(in.A.buffer) : nullptr,
                    .params = params,
                    .n_head = n_head,
                    .head_dim = head_dim,
                    .n_group = in.B.extent(1),
                    .d_state = in.B.extent(2),
                    .channels = n_head * head_dim,
                    .sequences = Sequences(in)};
    const int64_t n_blocks = blocks_of_lanes(p.channels), n_seq = p.sequences.size();
    if (n_seq == 0 || n_blocks == 0) return;
    const int64_t widest = in.x.extent(0) >= 2 * n_seq ? kWide : kNarrow;
    // Every thread has several pieces.
    const int64_t wide = std::clamp<int64_t>(n_blocks * n_seq / (4 * context.n_threads()), 1, widest);
    const int64_t n_pieces = (n_blocks + wide - 1) / wide;
    const int64_t work = (in.x.extent(0) / n_seq + 1) * wide * kLanes * (p.d_state * (p.decay_of_state() ? 12 : 3) + 40);
    context.reserve_scratch(Scratch::floats(p.d_state));
    context.parallel_for(n_seq * n_pieces, grain_of(work), [&](int64_t begin, int64_t end, int worker) {
        for (int64_t i = begin; i < end; ++i) scan_blocks(p, i / n_pieces, i % n_pieces * wide, wide, context.scratch(worker));
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
