// SPDX-License-Identifier: Apache-2.0
//
// How far a result may be from the truth: the normalized squared error (NMSE) sum (got - expected)^2 / sum expected^2 of a
// whole result, and of one row of it at most kRowFactor times that. With e = 2^-24, the largest relative error of one float32
// rounding, a result that is rounded once has NMSE e^2 / 3 = 1.2e-15. The numbers below leave room for a float32 kernel with
// any sensible order of summation, and stand far below what dropping one of 2560 terms does (4e-4).
#pragma once

#include "tests/harness/case.hpp"

namespace krait::harness {

// A row holds fewer elements than the result, so chance weighs more in it.
inline constexpr double kRowFactor = 10;

struct Tolerance {
    double result = 0;  // 0: bit for bit
    double state = 0;
};

// The reference works in double and rounds once: e^2 / 3, and a little for the row of a formula that rounds elsewhere.
inline constexpr double kReferenceError = 1e-14;

// One run, against the same tokens in chunks of any length, or one by one: the state passes through float32 memory between
// the runs, nothing else differs.
inline constexpr double kChunkError = 1e-10;
inline constexpr double kStepError = 1e-9;

// The operators whose operand w is a weight that rows are multiplied with.
inline bool multiplies_weights(OpId op) { return op == OpId::mul_mat || op == OpId::mul_mat_experts; }

// How a device rounds the operands of products with such weights; with those of F32 none does.
inline uint32_t rounding_of(DType weights, const krait_device_capabilities& device) {
    if (weights == DType::F32) return KRAIT_ROUNDING_NONE;
    return is_quantized(weights) ? device.quantized_rounding : device.half_rounding;
}

// A device's products from float32 operands, and from activations that it rounds first, as its capabilities say. One with
// INT8X32 or INT13X32 is compared with the same rounding (rounded_operands.hpp), so nothing but float32 sums differs, and
// besides with exact operands (rounded_error).
inline double mul_mat_error(DType weights, const krait_device_capabilities& device) {
    if (weights == DType::F32)
        return 1e-11;  // e * sqrt(K) of a plain sum at K = 8192, squared, is 3e-11; any kernel with 8 or more sums has < 4e-12
    switch (rounding_of(weights, device)) {
        case KRAIT_ROUNDING_BF16: return 1e-5;  // 2 * (2^-8)^2 / 3: both operands
        case KRAIT_ROUNDING_F16: return 3e-7;   // 2 * (2^-11)^2 / 3, and as much again
        default: return 1e-10;
    }
}

// Such roundings against exact operands. int8 in units of 32: of normal numbers the largest of 32 is 2.1 deviations, a step
// 2.1 / 127 of one, and the mean square of the rounding a twelfth of the step's square, 2.3e-5. 13 bits in units of 32, of both
// operands: 2 * (2.1 / 8191)^2 / 12 = 1.1e-8. A few results may lie further off by chance, most of all where a sum nearly
// cancels: this counts for whole results of kManyResults and more.
inline double rounded_error(DType weights) { return is_quantized(weights) ? 1e-4 : 5e-8; }
inline constexpr size_t kManyResults = 256;

// weights: the format of the weight that the node reads, F32 where there is none.
inline Tolerance tolerance_of(OpId op, DType weights, const krait_device_capabilities& device) {
    switch (op) {
        // Values are moved, not computed.
        case OpId::get_rows:
        case OpId::copy:
        case OpId::argmax:
        case OpId::top_k:
        case OpId::concat:
        case OpId::kv_write:  // its rows are compared bit by bit
        // One IEEE operation has one result.
        case OpId::add:
        case OpId::mul: return {};
        case OpId::scale: return {1e-13, 0};  // one or two roundings: x * scale + bias may be fused
        case OpId::silu_mul:                  // an exp of relative error 1e-7 (1e-14), a division, a product
        case OpId::rms_norm: return {1e-12, 0};
        case OpId::softmax: return {1e-11, 0};  // scale * x rounds before exp: at |x| = 40 that is 40 e, squared 6e-12
        case OpId::mul_mat:
        case OpId::mul_mat_experts: return {mul_mat_error(weights, device), 0};
        case OpId::rope:      // a cosine and a sine of error 1e-7, two products
        case OpId::activate:  // 1e-6 of each number, the tails of gelu too: more than that is an exponent that was rounded
        case OpId::l2_norm: return {1e-12, 0};
        case OpId::scale_add: return {1e-13, 0};        // one or two roundings, as scale
        case OpId::combine_experts: return {1e-13, 0};  // 22 products and sums in a row: 22 * 2 * e^2 / 3, and as much again
        case OpId::route_experts:
            return {1e-11, 0};                    // ids as they are; the weights as softmax: logit - largest rounds before exp
        case OpId::attention: return {3e-12, 0};  // sums of 576 products in registers of four: 1.1e-12
        case OpId::ssm_conv: return {1e-12, 0};   // the state holds rows of x: bit for bit
        case OpId::ssm_scan: return {1e-10, 1e-11};
    }
    return {};
}

inline Tolerance tolerance_of(const Case& of, const krait_device_capabilities& device) {
    return tolerance_of(of.op, multiplies_weights(of.op) ? dtype_of(of.find("w")->desc) : DType::F32, device);
}

}  // namespace krait::harness
