// SPDX-License-Identifier: Apache-2.0
//
// The order of argmax and top_k as numbers: larger floats have larger keys, the two zeros have one, and NaN has the least, 0.
#ifndef KRAIT_ORDER_GLSL
#define KRAIT_ORDER_GLSL

uint order_key(uint bits) {
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0;
    if ((bits << 1) == 0) return 0x80000000u;
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

#endif
