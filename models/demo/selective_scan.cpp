// SPDX-License-Identifier: Apache-2.0
//
// The operations of Mamba-1 for which PyTorch has no fast CPU kernel, forward and backward, for training on a CPU.
//
//   conv: y[t,d] = silu(bias[d] + sum_k w[k,d] * x[t-K+1+k,d])            x before the chunk comes from `past` [K-1,D]
//   scan: d = softplus(dt);  h = exp(d*A)*h + d*u*B;  y = (h.C + D*u) * silu(z)      h before the chunk is `h0` [N,D]
//   loss: cross entropy of bfloat16 logits, whose memory becomes their gradient
//
// Rows are tokens; the channels are contiguous. A tile of 16 channels (one AVX-512 register, two AVX2 ones) walks along time
// with its N states in registers or L1, so there is no reduction across lanes inside the loop over time. The backward pass
// computes the states again, tile by tile, and keeps them only for that tile: L*N*16 floats (256 KB at L 256, N 16) sit in L2.
// Plain C functions, called through ctypes. Channels must be a multiple of 16; N is at most 32, K at most 8.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

constexpr int W = 16;  // channels in a tile
constexpr int max_state = 32;
constexpr int max_taps = 8;

/// e^x to 2 ulp in [-87, 87], as straight-line code that the compiler vectorizes: 2^n * 2^f, f in [-0.5, 0.5].
inline float fast_exp(float x) {
    x = x < -87.f ? -87.f : x > 87.f ? 87.f : x;
    const float scaled = x * 1.44269504f;
    const float n = std::nearbyintf(scaled);
    const float f = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts (Cody and Waite)
    float p = 1.3888889e-3f;  // Taylor: 1/6! ... 1/2!; the next term is below 2^-24 at |f| = 0.347
    p = p * f + 8.3333333e-3f;
    p = p * f + 4.1666667e-2f;
    p = p * f + 1.6666667e-1f;
    p = p * f + 0.5f;
    p = p * f + 1.f;
    p = p * f + 1.f;
    const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return p * power;
}

inline float sigmoid(float x) { return 1.f / (1.f + fast_exp(-x)); }
inline float softplus(float x) { return x > 20.f ? x : std::log1p(fast_exp(x > 20.f ? 20.f : x)); }

struct ScanShape {
    int64_t batch, length, channels, states;
};

/// Inputs of one scan; row strides in floats, because u, z, B and C are often column ranges of wider matrices.
struct ScanIn {
    const float *u, *dt, *a, *b, *c, *d, *z, *h0;
    int64_t u_row, dt_row, bc_row, z_row;
};

/// One tile's A, transposed to [N][W].
inline void load_a(const float* a, int64_t channel, int n_states, float out[][W]) {
    for (int n = 0; n < n_states; ++n)
        for (int i = 0; i < W; ++i) out[n][i] = a[(channel + i) * n_states + n];
}

/// Runs one tile along time. With `kept`, the state after each token is stored there, [L][N][W]. `y` may be null.
template <bool keep>
void scan_tile(const ScanIn& in, const ScanShape& s, int64_t item, int64_t channel, float h[][W], float* y, float* kept) {
    const int n_states = static_cast<int>(s.states);
    float a[max_state][W];
    load_a(in.a, channel, n_states, a);
    for (int64_t t = 0; t < s.length; ++t) {
        const int64_t row = item * s.length + t;
        const float* u = in.u + row * in.u_row + channel;
        const float* dt = in.dt + row * in.dt_row + channel;
        const float* b = in.b + row * in.bc_row;
        const float* c = in.c + row * in.bc_row;
        float d[W], du[W], sum[W];
        for (int i = 0; i < W; ++i) {
            d[i] = softplus(dt[i]);
            du[i] = d[i] * u[i];
            sum[i] = in.d[channel + i] * u[i];
        }
        for (int n = 0; n < n_states; ++n) {
            const float bn = b[n], cn = c[n];
            for (int i = 0; i < W; ++i) {
                h[n][i] = fast_exp(d[i] * a[n][i]) * h[n][i] + du[i] * bn;
                sum[i] += h[n][i] * cn;
            }
        }
        if (keep) std::memcpy(kept + t * n_states * W, h, sizeof(float) * n_states * W);
        if (y) {
            const float* z = in.z + row * in.z_row + channel;
            float* out = y + row * s.channels + channel;
            for (int i = 0; i < W; ++i) out[i] = sum[i] * z[i] * sigmoid(z[i]);
        }
    }
}

/// h = h0 of this tile, or zero.
void start_state(const ScanIn& in, const ScanShape& s, int64_t item, int64_t channel, float h[][W]) {
    for (int n = 0; n < s.states; ++n)
        for (int i = 0; i < W; ++i) h[n][i] = in.h0 ? in.h0[(item * s.states + n) * s.channels + channel + i] : 0.f;
}

struct ScanGrad {
    float *u, *dt, *a, *b, *c, *d, *z;  // a [batch,D,N] and d [batch,D] are summed over the batch by the caller
    int64_t bc_row, z_row;              // b, c and z may be column ranges too; u and dt are dense
};

/// Walks one tile back in time. `sum_b`, `sum_c` [L][N][W] collect the gradients of B and C over the tiles of one item.
void scan_tile_backward(const ScanIn& in, const ScanShape& s, int64_t item, int64_t channel, const float* dy, const float* kept,
                        float* sum_b, float* sum_c, const ScanGrad& grad) {
    const int n_states = static_cast<int>(s.states);
    float a[max_state][W], gh[max_state][W] = {}, ga[max_state][W] = {}, gd[W] = {};
    load_a(in.a, channel, n_states, a);
    for (int64_t t = s.length - 1; t >= 0; --t) {
        const int64_t row = item * s.length + t, dense = row * s.channels + channel;
        const float* u = in.u + row * in.u_row + channel;
        const float* dt = in.dt + row * in.dt_row + channel;
        const float* z = in.z + row * in.z_row + channel;
        const float* b = in.b + row * in.bc_row;
        const float* c = in.c + row * in.bc_row;
        float d[W], du[W], gate[W], gy[W], y[W], g_decay[W], g_input[W];
        for (int i = 0; i < W; ++i) {
            d[i] = softplus(dt[i]);
            du[i] = d[i] * u[i];
            gate[i] = sigmoid(z[i]);
            gy[i] = dy[dense + i] * z[i] * gate[i];
            y[i] = in.d[channel + i] * u[i];
            gd[i] += gy[i] * u[i];
            g_decay[i] = g_input[i] = 0.f;
        }
        for (int n = 0; n < n_states; ++n) {
            const float bn = b[n], cn = c[n];
            const float* h = kept + (t * n_states + n) * W;
            float* to_b = sum_b + (t * n_states + n) * W;
            float* to_c = sum_c + (t * n_states + n) * W;
            for (int i = 0; i < W; ++i) {
                y[i] += h[i] * cn;
                to_c[i] += gy[i] * h[i];
                const float g = gh[n][i] + gy[i] * cn;
                const float decayed = g * (h[i] - du[i] * bn);  // g * exp(d*A) * h[t-1], without reading h[t-1]
                g_decay[i] += decayed * a[n][i];
                ga[n][i] += decayed * d[i];
                g_input[i] += g * bn;
                to_b[i] += g * du[i];
                gh[n][i] = g * fast_exp(d[i] * a[n][i]);
            }
        }
        for (int i = 0; i < W; ++i) {
            grad.u[dense + i] = gy[i] * in.d[channel + i] + g_input[i] * d[i];
            grad.dt[dense + i] = (g_decay[i] + g_input[i] * u[i]) * sigmoid(dt[i]);
            grad.z[row * grad.z_row + channel + i] = dy[dense + i] * y[i] * gate[i] * (1.f + z[i] * (1.f - gate[i]));
        }
    }
    for (int i = 0; i < W; ++i) {
        grad.d[item * s.channels + channel + i] = gd[i];
        for (int n = 0; n < n_states; ++n) grad.a[(item * s.channels + channel + i) * n_states + n] = ga[n][i];
    }
}

}  // namespace

extern "C" {

/// y [batch,L,D], last [batch,N,D] = the state after the chunk.
void scan_forward(const ScanIn* in, const ScanShape* s, float* y, float* last) {
    const int64_t tiles = s->channels / W;
#pragma omp parallel for schedule(dynamic)
    for (int64_t job = 0; job < s->batch * tiles; ++job) {
        const int64_t item = job / tiles, channel = job % tiles * W;
        float h[max_state][W];
        start_state(*in, *s, item, channel, h);
        scan_tile<false>(*in, *s, item, channel, h, y, nullptr);
        for (int n = 0; n < s->states; ++n)
            std::memcpy(last + (item * s->states + n) * s->channels + channel, h[n], sizeof h[n]);
    }
}

/// dy [batch,L,D]. No gradient flows into h0: it belongs to the chunk before.
void scan_backward(const ScanIn* in, const ScanShape* s, const float* dy, const ScanGrad* grad) {
    const int64_t length = s->length * s->states, size = length * W;
#pragma omp parallel
    {
        std::vector<float> kept(size), sum_b(size), sum_c(size);
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < s->batch; ++item) {
            std::fill(sum_b.begin(), sum_b.end(), 0.f);
            std::fill(sum_c.begin(), sum_c.end(), 0.f);
            for (int64_t channel = 0; channel < s->channels; channel += W) {
                float h[max_state][W];
                start_state(*in, *s, item, channel, h);
                scan_tile<true>(*in, *s, item, channel, h, nullptr, kept.data());
                scan_tile_backward(*in, *s, item, channel, dy, kept.data(), sum_b.data(), sum_c.data(), *grad);
            }
            for (int64_t k = 0; k < length; ++k) {
                float b = 0.f, c = 0.f;
                for (int i = 0; i < W; ++i) {
                    b += sum_b[k * W + i];
                    c += sum_c[k * W + i];
                }
                const int64_t at = (item * s->length + k / s->states) * grad->bc_row + k % s->states;
                grad->b[at] = b;
                grad->c[at] = c;
            }
        }
    }
}

struct ConvShape {
    int64_t batch, length, channels, taps, x_row, dx_row;
};

/// x [batch,L,.] with a row stride, w [K,D], bias [D], past [batch,K-1,D] -> y [batch,L,D].
void conv_forward(const ConvShape* s, const float* x, const float* w, const float* bias, const float* past, float* y) {
    const int64_t k_past = s->taps - 1, width = s->channels;
#pragma omp parallel for
    for (int64_t row = 0; row < s->batch * s->length; ++row) {
        const int64_t item = row / s->length, t = row % s->length;
        float* out = y + row * width;
        std::memcpy(out, bias, sizeof(float) * width);
        for (int64_t k = 0; k < s->taps; ++k) {
            const int64_t from = t - k_past + k;
            const float* in = from < 0 ? past + (item * k_past + from + k_past) * width : x + (row - k_past + k) * s->x_row;
            for (int64_t i = 0; i < width; ++i) out[i] += w[k * width + i] * in[i];
        }
        for (int64_t i = 0; i < width; ++i) out[i] *= sigmoid(out[i]);
    }
}

/// dy [batch,L,D] -> dx [batch,L,.] with a row stride, dw [batch,K,D], dbias [batch,D] (the caller sums both over the batch).
/// Walks back in whole rows: row t collects from the tokens t+K-1 .. t, so it stays in cache until it is complete.
void conv_backward(const ConvShape* s, const float* x, const float* w, const float* bias, const float* past, const float* dy,
                   float* dx, float* dw, float* dbias) {
    const int64_t k_past = s->taps - 1, width = s->channels;
#pragma omp parallel for schedule(dynamic)
    for (int64_t item = 0; item < s->batch; ++item) {
        float* gw = dw + item * s->taps * width;
        float* gb = dbias + item * width;
        std::memset(gw, 0, sizeof(float) * s->taps * width);
        std::memset(gb, 0, sizeof(float) * width);
        std::vector<float> g(width);
        for (int64_t t = s->length - 1; t >= 0; --t) {
            const int64_t row = item * s->length + t;
            const float* taps[max_taps];
            for (int64_t k = 0; k < s->taps; ++k) {
                const int64_t from = t - k_past + k;
                taps[k] = from < 0 ? past + (item * k_past + from + k_past) * width : x + (row - k_past + k) * s->x_row;
            }
            std::memcpy(g.data(), bias, sizeof(float) * width);
            for (int64_t k = 0; k < s->taps; ++k)
                for (int64_t i = 0; i < width; ++i) g[i] += w[k * width + i] * taps[k][i];
            for (int64_t i = 0; i < width; ++i) {
                const float sig = sigmoid(g[i]);
                g[i] = dy[row * width + i] * sig * (1.f + g[i] * (1.f - sig));
                gb[i] += g[i];
            }
            for (int64_t k = 0; k < s->taps; ++k) {
                for (int64_t i = 0; i < width; ++i) gw[k * width + i] += g[i] * taps[k][i];
                if (t - k_past + k < 0) continue;
                float* to = dx + (row - k_past + k) * s->dx_row;
                const bool first = k == 0 || t == s->length - 1;  // walking back, the first token to write this row
                for (int64_t i = 0; i < width; ++i) to[i] = (first ? 0.f : to[i]) + g[i] * w[k * width + i];
            }
        }
    }
}

/// logits [rows,V] as bfloat16, target [rows] -> loss [rows]; logits become (softmax - onehot) * scale.
void cross_entropy(int64_t rows, int64_t vocab, uint16_t* logits, const int64_t* target, float scale, float* loss) {
#pragma omp parallel
    {
        std::vector<float> p(vocab);
#pragma omp for
        for (int64_t row = 0; row < rows; ++row) {
            uint16_t* at = logits + row * vocab;
            float top = -1e30f, sum = 0.f;
            for (int64_t i = 0; i < vocab; ++i) {
                const uint32_t bits = static_cast<uint32_t>(at[i]) << 16;
                std::memcpy(&p[i], &bits, sizeof bits);
                top = p[i] > top ? p[i] : top;
            }
            loss[row] = top - p[target[row]];
            for (int64_t i = 0; i < vocab; ++i) {
                p[i] = fast_exp(p[i] - top);
                sum += p[i];
            }
            loss[row] += std::log(sum);
            const float factor = scale / sum;
            for (int64_t i = 0; i < vocab; ++i) p[i] *= factor;
            p[target[row]] -= scale;
            for (int64_t i = 0; i < vocab; ++i) {
                uint32_t bits;
                std::memcpy(&bits, &p[i], sizeof bits);
                at[i] = static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);  // to nearest, ties to even
            }
        }
    }
}

}  // extern "C"
