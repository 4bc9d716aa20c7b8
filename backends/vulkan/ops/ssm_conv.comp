// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
// The causal convolution; a lane is a channel. Three ways to be dispatched (kWay):
//   kWhole    grid (channels, sequences): a lane walks through all rows of its sequence, then moves the state. For few rows.
//   kRows     grid (channels, blocks of rows): results only. For many rows: all blocks at once.
//   kStates   grid (channels, sequences): the states only; after kRows, which reads the old ones.
// A lane keeps the last kConv - 1 inputs in registers, and the old state apart: a slot may be written while it is the source.
#include "backends/vulkan/ops/ssm_conv_params.h"
#include "backends/vulkan/shaders/krait.glsl"
#include "backends/vulkan/shaders/exponential.glsl"
#include "backends/vulkan/shaders/ragged.glsl"

layout(constant_id = 2) const uint kWay = 0;
layout(constant_id = 3) const int kConv = 4;
layout(constant_id = 4) const bool kSilu = true;
layout(constant_id = 5) const bool kHasBias = true;
const uint kWhole = 0, kRows = 1, kStates = 2;
KRAIT_PARAMS(SsmConvParams);

uint channel;
float taps[kConv];
float window[kConv];  // u[t - kConv + 1] .. u[t]; the last one is the row at hand
float old[kConv];     // the state before the run: u[-kConv + 1] .. u[-1]

float x_at(uint t) { return F32(row_address(params.x, t)).at[channel]; }
uint64_t slot_address(int slot) { return params.pool + uint64_t(slot) * params.slot_stride; }

void load_old(uint sequence) {
    const int slot = I32(params.src_slot).at[sequence];
    for (int j = 0; j + 1 < kConv; ++j)
        old[j] = slot < 0 ? 0.0 : F32(slot_address(slot)).at[uint(j) * params.channels + channel];
}

// u[t + back] of the sequence that begins at `first`: a row of x, or of the old state. back <= 0.
float input_at(uint first, uint t, int back) {
    const int r = int(t) + back - int(first);
    if (r >= 0) return x_at(uint(int(t) + back));
    return old[kConv - 1 + r];
}

void store_state(uint first, uint end, int slot) {
    for (int j = 0; j + 1 < kConv; ++j)
        F32(slot_address(slot)).at[uint(j) * params.channels + channel] = input_at(first, end, j + 1 - kConv);
}

void move_states(uint sequence, uint first, uint end) {
    for (uint s = 0; s < params.n_snapshot; ++s) {
        const int row = I32(params.snapshots).at[2 * s];
        if (row >= int(first) && row < int(end)) store_state(first, uint(row) + 1, I32(params.snapshots).at[2 * s + 1]);
    }
    const int slot = I32(params.dst_slot).at[sequence];
    if (slot >= 0) store_state(first, end, slot);
}

// Before a row: the kConv - 1 inputs that precede it.
void fill_window(uint first, uint t) {
    for (int j = 0; j + 1 < kConv; ++j) window[j + 1] = input_at(first, t, j + 1 - kConv);
}

void compute_row(uint t, float bias) {
    for (int j = 0; j + 1 < kConv; ++j) window[j] = window[j + 1];
    window[kConv - 1] = x_at(t);
    float sum = bias;
    for (int j = 0; j < kConv; ++j) sum += taps[j] * window[j];
    if (kSilu) sum = silu(sum);
    F32(row_address(params.y, t)).at[channel] = sum;
}

void main() {
    channel = gl_GlobalInvocationID.x;
    if (channel >= params.channels) return;
    const uint block = gl_WorkGroupID.y + gl_WorkGroupID.z * gl_NumWorkGroups.y;
    if (kWay != kStates)
        for (int j = 0; j < kConv; ++j) taps[j] = F32(params.weight).at[channel * uint(kConv) + uint(j)];
    const float bias = kHasBias ? F32(params.bias).at[channel] : 0.0;

    if (kWay == kRows) {
        uint t = block * params.rows_per_group;
        const uint end = min(t + params.rows_per_group, params.n_tok);
        if (t >= end) return;
        uint sequence = sequence_of(params.seq_start, params.n_seq, t);
        while (t < end) {
            const uint first = U32(params.seq_start).at[sequence], last = U32(params.seq_start).at[sequence + 1];
            if (last > t) {
                load_old(sequence);
                fill_window(first, t);
                for (; t < min(end, last); ++t) compute_row(t, bias);
            }
            ++sequence;
        }
        return;
    }
    if (block >= params.n_seq) return;
    const uint first = U32(params.seq_start).at[block], end = U32(params.seq_start).at[block + 1];
    load_old(block);
    if (kWay == kWhole) {
        fill_window(first, first);
        for (uint t = first; t < end; ++t) compute_row(t, bias);
    }
    move_states(block, first, end);
}
