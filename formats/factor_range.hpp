// SPDX-License-Identifier: Apache-2.0
//
// The range of the factors that models state: of embeddings, residuals, scores, logits and expert weights.
#pragma once

namespace krait {

// Real ones lie between 0.001 and 1000. A product of four within these limits, and the reciprocal of one, is a normal float32.
inline constexpr double kMinFactor = 0x1p-30, kMaxFactor = 0x1p30;
constexpr bool is_factor(double x) { return x >= kMinFactor && x <= kMaxFactor; }

// The base of rotary frequencies: base^(-2 i / n) is at most 1 radian for each token. Real ones are 1e4 to 1e11.
inline constexpr double kMinRopeBase = 1, kMaxRopeBase = 0x1p100;
constexpr bool is_rope_base(double x) { return x >= kMinRopeBase && x <= kMaxRopeBase; }

}  // namespace krait
