// SPDX-License-Identifier: Apache-2.0
//
// For functions of tests that pass an enum a value that it does not have, as a C program can: the sanitizer of undefined
// behaviour would stop at the test, and the library's answer is what is tested.
#pragma once

#if defined(__clang__)
#define KRAIT_PASSES_UNKNOWN_ENUMS __attribute__((no_sanitize("enum")))
#else
#define KRAIT_PASSES_UNKNOWN_ENUMS
#endif
