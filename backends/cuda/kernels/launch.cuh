// SPDX-License-Identifier: Apache-2.0
//
// launch(stream, {.name = "add", .grid = {n_blocks}, .block = {128}}, add_kernel<4>, arguments...);
// A grid without blocks launches nothing.
#pragma once

#include <tuple>

#include "backends/cuda/kernels/intrinsics.cuh"
#include "backends/cuda/launch.hpp"

namespace krait::cuda {

// Blocks of `size` that cover n.
constexpr uint32_t blocks_for(int64_t n, int64_t size) { return static_cast<uint32_t>((n + size - 1) / size); }

#if defined(__CUDACC__)

template <class... Params, class... Arguments>
void launch(Stream& stream, const LaunchShape& shape, void (*kernel)(Params...), const Arguments&... arguments) {
    if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
    std::tuple<std::remove_cv_t<Params>...> values(arguments...);
    std::apply(
        [&](auto&... value) {
            void* pointers[] = {&value...};
            launch_on_device(stream, shape, reinterpret_cast<const void*>(kernel), pointers);
        },
        values);
}

#else

template <class... Params, class... Arguments>
void launch(Stream& stream, const LaunchShape& shape, void (*kernel)(Params...), const Arguments&... arguments) {
    if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
    struct Call {
        void (*kernel)(Params...);
        std::tuple<Params...> arguments;
    };
    launch_emulated(stream, shape, std::make_shared<const Call>(Call{kernel, {static_cast<Params>(arguments)...}}),
                    [](const void* opaque) {
                        const auto& call = *static_cast<const Call*>(opaque);
                        std::apply(call.kernel, call.arguments);
                    });
}

#endif

}  // namespace krait::cuda
