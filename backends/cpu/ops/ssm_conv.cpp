// SPDX-License-Identifier: Apache-2.0
//
// ssm_conv (contract: core/ops/ssm_conv.hpp): kLanes channels walk down a sequence with their last d_conv - 1 inputs in
// registers (in memory of the thread where d_conv is unusual). The old state is read in full before any slot of the sequence
// is written, so a sequence may write the slot that it reads. Pieces are (sequence, kLanes channels).
#include "core/ops/ssm_conv.hpp"
#include "backends/cpu/ops/sequences.hpp"
#include "backends/cpu/simd/math.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

struct Problem {
    const Tensor *x, *y;
    const InterleavedConstant* interleaved;  // w as blocks of [d_conv][kLanes], or nullptr
    const float* w;                          // [channels, d_conv]
    const float* bias;
    bool silu;
    int64_t channels, d_conv;
    Sequences sequences;
};

// The taps of one block of channels: [d_conv][kLanes].
const float* taps(const Problem& p, int64_t block, float* scratch) {
    if (p.interleaved) return p.interleaved->block(block);
    for (int64_t j = 0; j < p.d_conv; ++j)
        for (int64_t lane = 0; lane < kLanes; ++lane) {
            const int64_t c = block * kLanes + lane;
            scratch[j * kLanes + lane] = c < p.channels ? p.w[c * p.d_conv + j] : 0.0f;
        }
    return scratch;
}

// kTaps = d_conv, or 0: any. scratch: 2 * d_conv * kLanes floats.
template <int kTaps>
void walk(const Problem& p, const Sequence& seq, int64_t block, float* scratch) {
    constexpr bool kInRegisters = kTaps > 0;
    const int64_t c = block * kLanes, n = p.channels - c, past = p.d_conv - 1;
    const float* w = taps(p, block, scratch);
    float* window = scratch + p.d_conv * kLanes;
    Vec u[kInRegisters ? kTaps : 1];
    Vec tap[kInRegisters ? kTaps : 1];

    const auto source = [&](int64_t j) { return seq.source ? load_up_to(seq.source + j * p.channels + c, n) : zero(); };
    if constexpr (kInRegisters) {
        unroll<kTaps - 1>([&](auto j) { u[j] = source(j); });
        unroll<kTaps>([&](auto j) { tap[j] = load(w + j * kLanes); });
    } else {
        for (int64_t j = 0; j < past; ++j) store(window + j * kLanes, source(j));
    }
    const auto keep = [&](float* slot) {
        if constexpr (kInRegisters) unroll<kTaps - 1>([&](auto j) { store_up_to(slot + j * p.channels + c, u[j], n); });
        else
            for (int64_t j = 0; j < past; ++j) store_up_to(slot + j * p.channels + c, load(window + j * kLanes), n);
    };

    const Vec bias = p.bias ? load_up_to(p.bias + c, n) : zero();
    int64_t snapshot = p.sequences.next_snapshot(seq.begin, seq.end);
    for (int64_t t = seq.begin; t < seq.end; ++t) {
        const Vec x = load_up_to(p.x->row<const float>(t) + c, n);
        Vec y = bias;
        if constexpr (kInRegisters) {
            unroll<kTaps - 1>([&](auto j) __attribute__((always_inline)) {
                y = fma(tap[j], u[j], y);
                u[j] = j + 2 < kTaps ? u[j + 1 < kTaps ? j + 1 : 0] : x;
            });
            y = fma(tap[kTaps - 1], x, y);
        } else {
            for (int64_t j = 0; j < past; ++j) {
                const Vec old = load(window + j * kLanes);
                y = fma(load(w + j * kLanes), old, y);
                if (j > 0) store(window + (j - 1) * kLanes, old);
            }
            y = fma(load(w + past * kLanes), x, y);
            if (past > 0) store(window + (past - 1) * kLanes, x);
        }
        store_up_to(p.y->row<float>(t) + c, p.silu ? silu(y) : y, n);
        if (t == snapshot) {
            p.sequences.for_snapshots(t, keep);
            snapshot = p.sequences.next_snapshot(t + 1, seq.end);
        }
    }
    if (seq.destination) keep(seq.destination);
}

}  // namespace

void ssm_conv(const ops::SsmConv::In<Tensor>& in, const ops::SsmConv::Params& params, const ops::SsmConv::Out<Tensor>& out,
              Context& context) {
    const Problem p{.x = &in.x,
                    .y = &out.y,
                    .interleaved = dynamic_cast<const InterleavedConstant*>(in.w.buffer),
                    .w = in.w.elements<const float>(),
                    .bias = in.bias ? in.bias.elements<const float>() : nullptr,
                    .silu = params.activation == ops::Activation::silu,
                    .channels = in.x.extent(1),
                    .d_conv = in.w.extent(1),
                    .sequences = Sequences(in)};
    const int64_t n_blocks = blocks_of_lanes(p.channels), n_seq = p.sequences.size();
    if (n_seq == 0) return;
    const int64_t work = (in.x.extent(0) / n_seq + 1) * kLanes * (p.d_conv + (p.silu ? 16 : 2));
    context.reserve_scratch(2 * p.d_conv * kLanes);
    context.parallel_for(n_seq * n_blocks, grain_of(work), [&](int64_t begin, int64_t end, int worker) {
        for (int64_t i = begin; i < end; ++i) {
            const Sequence seq = p.sequences[i / n_blocks];
            float* scratch = context.scratch(worker);
            switch (p.d_conv) {
                case 2: walk<2>(p, seq, i % n_blocks, scratch); break;
                case 3: walk<3>(p, seq, i % n_blocks, scratch); break;
                case 4: walk<4>(p, seq, i % n_blocks, scratch); break;
                default: walk<0>(p, seq, i % n_blocks, scratch); break;
            }
        }
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
