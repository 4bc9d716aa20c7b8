// SPDX-License-Identifier: Apache-2.0
//
// Calls of CUDA and cublasLt whose failure is an Error that names the call. Handles that free themselves.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <memory>
#include <string_view>

#include "core/base/result.hpp"

namespace krait::bench {

inline Result<void> checked(cudaError_t status, std::string_view call) {
    if (status == cudaSuccess) return {};
    cudaGetLastError();  // what is told here is not told again by the next call
    return fail(status == cudaErrorMemoryAllocation ? ErrorCode::out_of_memory : ErrorCode::internal, "{} failed: {} ({})",
                call, cudaGetErrorString(status), cudaGetErrorName(status));
}

inline Result<void> checked(cublasStatus_t status, std::string_view call) {
    if (status == CUBLAS_STATUS_SUCCESS) return {};
    const bool declined = status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_ARCH_MISMATCH;
    return fail(declined ? ErrorCode::unsupported : ErrorCode::internal, "{} failed: {}", call, cublasLtGetStatusName(status));
}

// KRAIT_CALL(cudaSetDevice(0)); the error has the function's name.
#define KRAIT_CALL(call) \
    KRAIT_CHECK(krait::bench::checked(call, std::string_view(#call).substr(0, std::string_view(#call).find('('))))

// The owner of a handle that is a pointer, freed by kFree.
template <auto kFree>
struct Freed {
    template <class T>
    void operator()(T* handle) const {
        kFree(handle);
    }
};
template <class Handle, auto kFree>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Freed<kFree>>;

using Stream = Owned<cudaStream_t, cudaStreamDestroy>;
using Event = Owned<cudaEvent_t, cudaEventDestroy>;
using Graph = Owned<cudaGraph_t, cudaGraphDestroy>;
using Executable = Owned<cudaGraphExec_t, cudaGraphExecDestroy>;
using LtHandle = Owned<cublasLtHandle_t, cublasLtDestroy>;
using LtOperation = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using LtLayout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using LtPreference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;
struct FreeMemory {
    void operator()(std::byte* memory) const { cudaFree(memory); }
};
using Memory = std::unique_ptr<std::byte, FreeMemory>;

}  // namespace krait::bench
