// SPDX-License-Identifier: Apache-2.0
#include "core/ops/ssm_conv.hpp"
#include "backends/cpu/reference/kernels.hpp"
#include "backends/cpu/reference/sequences.hpp"

namespace krait::reference {

void ssm_conv(const ops::SsmConv::In<Tensor>& in, const ops::SsmConv::Params& params, const ops::SsmConv::Out<Tensor>& out,
              Context&) {
    const int64_t channels = in.x.extent(1), d_conv = in.w.extent(1), kept = d_conv - 1;
    const float* w = in.w.elements<const float>();
    const Sequences sequences(in);
    for (size_t b = 0; b < sequences.count(); ++b) {
        const Sequence sequence = sequences[b];
        const std::vector<float> old = sequences.load(sequence);

        // u of the contract: rows before the sequence's first come from the state.
        const auto u = [&](int64_t t, int64_t c) {
            return t >= sequence.first_row ? in.x.row<const float>(t)[c]
                                           : old[static_cast<size_t>((t - sequence.first_row + kept) * channels + c)];
        };
        const auto state_after = [&](int64_t t) {
            std::vector<float> state;
            for (int64_t j = t - kept + 1; j <= t; ++j)
                for (int64_t c = 0; c < channels; ++c) state.push_back(u(j, c));
            return state;
        };

        for (int64_t t = sequence.first_row; t < sequence.end_row; ++t) {
            for (int64_t c = 0; c < channels; ++c) {
                double sum = in.bias ? double(in.bias.elements<const float>()[c]) : 0.0;
                for (int64_t j = 0; j < d_conv; ++j) sum += double(w[c * d_conv + j]) * double(u(t - kept + j, c));
                out.y.row<float>(t)[c] = static_cast<float>(params.activation == ops::Activation::silu ? silu(sum) : sum);
            }
            sequences.store_snapshots(t, [&] { return state_after(t); });
        }
        sequences.store(sequence, state_after(sequence.end_row - 1));
    }
}

}  // namespace krait::reference
