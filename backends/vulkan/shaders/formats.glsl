// SPDX-License-Identifier: Apache-2.0
//
// The numbers of the weight formats (kQ4_K, ...), from the one list that has them.
#ifndef KRAIT_FORMATS_GLSL
#define KRAIT_FORMATS_GLSL

#define KRAIT_FORMAT(id, Name, block_elems, block_bytes) const uint k##Name = id;
#include "core/quant/formats.def"

#endif
