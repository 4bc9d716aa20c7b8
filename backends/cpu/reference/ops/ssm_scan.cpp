// SPDX-License-Identifier: Apache-2.0
#include "core/ops/ssm_scan.hpp"
#include "backends/cpu/reference/kernels.hpp"
#include "backends/cpu/reference/sequences.hpp"

namespace krait::reference {
namespace {

double softplus(double v) { return v <= double(ops::SsmScan::kSoftplusThreshold) ? std::log1p(std::exp(v)) : v; }

}  // namespace

void ssm_scan(const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Params& params, const ops::SsmScan::Out<Tensor>& out,
              Context&) {
    const int64_t n_head = in.x.extent(1), head_dim = in.x.extent(2), n_group = in.B.extent(1), d_state = in.B.extent(2);
    const int64_t heads_per_group = n_head / n_group;
    const bool A_per_state = in.A.extent(1) == d_state;
    const bool D_per_channel = in.D && in.D.desc.rank == 2;
    const float* A = in.A.elements<const float>();
    const float* D = in.D.elements<const float>();

    std::vector<double> decay(static_cast<size_t>(d_state));
    const Sequences sequences(in);
    for (size_t b = 0; b < sequences.count(); ++b) {
        const Sequence sequence = sequences[b];
        const std::vector<float> old = sequences.load(sequence);
        if (sequence.first_row == sequence.end_row) {  // nothing is computed: the very bits move on
            sequences.store(sequence, old);
            continue;
        }
        std::vector<double> state(old.begin(), old.end());
        for (int64_t t = sequence.first_row; t < sequence.end_row; ++t) {
            for (int64_t h = 0; h < n_head; ++h) {
                double d = double(in.dt.row<const float>(t)[h]);
                if (in.dt_bias) d += double(in.dt_bias.elements<const float>()[h]);
                if (params.dt_softplus) d = softplus(d);
                // A NaN fails both comparisons and stays.
                if (d < double(params.dt_min)) d = double(params.dt_min);
                if (d > double(params.dt_max)) d = double(params.dt_max);

                for (int64_t n = 0; n < d_state; ++n)
                    decay[static_cast<size_t>(n)] = std::exp(d * double(A[A_per_state ? h * d_state + n : h]));

                const int64_t g = h / heads_per_group;
                const float* B = in.B.row<const float>(t) + g * d_state;
                const float* C = in.C.row<const float>(t) + g * d_state;
                for (int64_t p = 0; p < head_dim; ++p) {
                    const int64_t channel = h * head_dim + p;
                    const double x = double(in.x.row<const float>(t)[channel]);
                    double y = 0;
                    for (int64_t n = 0; n < d_state; ++n) {
                        double& s = state[static_cast<size_t>(channel * d_state + n)];
                        s = decay[static_cast<size_t>(n)] * s + (d * x) * double(B[n]);
                        y += s * double(C[n]);
                    }
                    if (in.D) y += double(D[D_per_channel ? channel : h]) * x;
                    if (in.z) y *= silu(double(in.z.row<const float>(t)[channel]));
                    out.y.row<float>(t)[channel] = static_cast<float>(y);
                }
            }
            sequences.store_snapshots(t, [&] { return state; });
        }
        sequences.store(sequence, state);
    }
}

}  // namespace krait::reference
