// SPDX-License-Identifier: Apache-2.0
//
// A file that is part of the binary, by two symbols at its begin and its end.
//   KRAIT_EMBEDDED_FILE(page_style, KRAIT_PAGE_FOLDER "/style.css");   // outside of namespaces: krait_page_style_begin, _end
#pragma once

#define KRAIT_EMBEDDED_FILE(name, path)       \
    __asm__(                                  \
        ".section .rodata\n"                  \
        ".hidden krait_" #name                \
        "_begin\n"                            \
        ".global krait_" #name                \
        "_begin\n"                            \
        "krait_" #name                        \
        "_begin:\n"                           \
        ".incbin \"" path                     \
        "\"\n"                                \
        ".hidden krait_" #name                \
        "_end\n"                              \
        ".global krait_" #name                \
        "_end\n"                              \
        "krait_" #name                        \
        "_end:\n"                             \
        ".byte 0\n"                           \
        ".text\n");                           \
    extern "C" {                              \
    extern const char krait_##name##_begin[]; \
    extern const char krait_##name##_end[];   \
    }                                         \
    static_assert(true)
