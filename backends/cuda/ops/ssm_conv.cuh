// SPDX-License-Identifier: Apache-2.0
//
// ssm_conv: a thread takes one channel and up to `chunk` rows of one sequence, with the last d_conv inputs in registers. Chunks
// are at least d_conv - 1 rows, so only a sequence's first chunk reads its old state; the thread that has read it writes the
// new one, which is safe where both are one slot. Each input row is read once.
// Grid: (chunks, channels). A run has at most T / chunk + n_seq chunks; which sequence a block's belongs to is counted off
// seq_start, which only the device knows.
#pragma once

#include "backends/cuda/kernels/activation.cuh"
#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/ops/sequences.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kConvBlock = 128;

struct ConvOperands {
    Rows<const float> x;
    const float* w;
    const float* bias;
    StateSlots state;
    Sequences sequences;
    Rows<float> y;
    int64_t channels;
    int32_t d_conv;
    int32_t chunk;
    bool silu;
};

struct ConvChunk {
    int32_t sequence;    // -1: there are fewer chunks than blocks
    int32_t first, end;  // rows of the chunk
    int32_t seq_first, seq_end;
};

KRAIT_DEVICE ConvChunk find_chunk(const Sequences& sequences, int32_t which, int32_t chunk) {
    int32_t begin = 0;
    for (int32_t b = 0; b < sequences.n_seq; ++b) {
        const int32_t first = sequences.start[b], end = sequences.start[b + 1];
        // A sequence without rows has a chunk too: its state moves.
        const int32_t n = end > first ? (end - first + chunk - 1) / chunk : 1;
        if (which < begin + n) {
            const int32_t from = first + (which - begin) * chunk;
            return {b, from, from + chunk < end ? from + chunk : end, first, end};
        }
        begin += n;
    }
    return {-1, 0, 0, 0, 0};
}

// Input row t of a sequence, t down to first - (d_conv - 1): what lies before the first row is in the old state.
KRAIT_DEVICE float conv_input(const ConvOperands& op, const float* old, int64_t t, int64_t seq_first, int64_t channel) {
    if (t >= seq_first) return op.x.row(t)[channel];
    return old ? old[(t - seq_first + op.d_conv - 1) * op.channels + channel] : 0.0f;
}

// kTaps: d_conv, or 0 for any, with the inputs read again for every row.
template <int kTaps>
KRAIT_GLOBAL(kConvBlock)
ssm_conv_kernel(ConvOperands op) {
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const int64_t channel = static_cast<int64_t>(blockIdx.y) * kConvBlock + threadIdx.x;
    const ConvChunk chunk = find_chunk(op.sequences, static_cast<int32_t>(blockIdx.x), op.chunk);
    if (chunk.sequence < 0 || channel >= op.channels) return;
    const int32_t kept = op.d_conv - 1;
    const int32_t src = op.sequences.src_slot[chunk.sequence];
    const float* old = src >= 0 ? op.state.slot(src) : nullptr;
    const float bias = op.bias ? op.bias[channel] : 0.0f;

    const auto finish = [&](float sum, int64_t t) {
        sum += bias;
        op.y.row(t)[channel] = op.silu ? silu(sum) : sum;
    };
    if constexpr (kTaps > 0) {
        float w[kTaps], window[kTaps];
        KRAIT_UNROLL
        for (int j = 0; j < kTaps; ++j) w[j] = op.w[channel * kTaps + j];
        KRAIT_UNROLL
        for (int j = 0; j < kTaps - 1; ++j)
            window[j] = conv_input(op, old, chunk.first - (kTaps - 1) + j, chunk.seq_first, channel);
        for (int64_t t = chunk.first; t < chunk.end; ++t) {
            window[kTaps - 1] = op.x.row(t)[channel];
            float sum = 0;
            KRAIT_UNROLL
            for (int j = 0; j < kTaps; ++j) sum = fused(w[j], window[j], sum);
            finish(sum, t);
            KRAIT_UNROLL
            for (int j = 0; j < kTaps - 1; ++j) window[j] = window[j + 1];
        }
    } else {
        for (int64_t t = chunk.first; t < chunk.end; ++t) {
            float sum = 0;
            for (int32_t j = 0; j < op.d_conv; ++j)
                sum = fused(op.w[channel * op.d_conv + j], conv_input(op, old, t - kept + j, chunk.seq_first, channel), sum);
            finish(sum, t);
        }
    }

    // State: only the first chunk's thread. From the oldest row up, so that what moves within one slot is read before its place
    // is taken; and what goes over the old state comes last.
    if (chunk.first != chunk.seq_first) return;
    const auto store = [&](int32_t slot_index, int64_t row) {
        float* slot = op.state.slot(slot_index);
        for (int64_t j = 0; j < kept; ++j)
            slot[j * op.channels + channel] = conv_input(op, old, row - kept + 1 + j, chunk.seq_first, channel);
    };
    int64_t row_over_old = chunk.seq_first - 1;
    bool over_old = false;
    const auto store_or_defer = [&](int32_t slot_index, int64_t row) {
        if (slot_index == src) over_old = true, row_over_old = row;
        else store(slot_index, row);
    };
    for (int32_t s = 0; s < op.sequences.n_snapshot; ++s) {
        const int32_t row = op.sequences.snapshots[2 * s];
        if (row >= chunk.seq_first && row < chunk.seq_end) store_or_defer(op.sequences.snapshots[2 * s + 1], row);
    }
    const int32_t dst = op.sequences.dst_slot[chunk.sequence];
    if (dst >= 0) store_or_defer(dst, static_cast<int64_t>(chunk.seq_end) - 1);
    if (over_old) store(src, row_over_old);
}

}  // namespace krait::cuda
