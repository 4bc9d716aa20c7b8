// SPDX-License-Identifier: Apache-2.0
//
// The element type of pages, as a specialization constant of the shaders that write and read them. Read by C++ and GLSL.
#ifndef KRAIT_VULKAN_CACHE_FORMAT_H
#define KRAIT_VULKAN_CACHE_FORMAT_H

#define KRAIT_CACHE_F32 0u
#define KRAIT_CACHE_F16 1u
#define KRAIT_CACHE_Q8_0 2u

#if defined(__cplusplus)
#include "core/tensor/dtype.hpp"

namespace krait::vulkan {

constexpr uint32_t cache_format(DType dtype) {
    return dtype == DType::F32 ? KRAIT_CACHE_F32 : dtype == DType::F16 ? KRAIT_CACHE_F16 : KRAIT_CACHE_Q8_0;
}

}  // namespace krait::vulkan
#endif

#endif
