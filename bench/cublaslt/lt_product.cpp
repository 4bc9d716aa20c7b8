// SPDX-License-Identifier: Apache-2.0
#include "bench/cublaslt/lt_product.hpp"

#include <array>

namespace krait::bench {
namespace {

constexpr int kMaxAlgorithms = 8;

struct Types {
    cudaDataType_t in, out, scale;
    cublasComputeType_t compute;
};
Types types_of(LtType type) {
    switch (type) {
        case LtType::f16: return {CUDA_R_16F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
        case LtType::fp8: return {CUDA_R_8F_E4M3, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
        case LtType::int8: break;
    }
    return {CUDA_R_8I, CUDA_R_32I, CUDA_R_32I, CUBLAS_COMPUTE_32I};
}

// The layout of a row-major tensor [rows, columns].
Result<LtLayout> layout_of(cudaDataType_t type, int64_t rows, int64_t columns) {
    cublasLtMatrixLayout_t layout = nullptr;
    KRAIT_CALL(cublasLtMatrixLayoutCreate(&layout, type, static_cast<uint64_t>(columns), static_cast<uint64_t>(rows), columns));
    return LtLayout(layout);
}

Result<LtOperation> operation_of(const Types& types) {
    cublasLtMatmulDesc_t created = nullptr;
    KRAIT_CALL(cublasLtMatmulDescCreate(&created, types.compute, types.scale));
    LtOperation operation(created);
    const cublasOperation_t of_w = CUBLAS_OP_T, of_x = CUBLAS_OP_N;
    KRAIT_CALL(cublasLtMatmulDescSetAttribute(created, CUBLASLT_MATMUL_DESC_TRANSA, &of_w, sizeof of_w));
    KRAIT_CALL(cublasLtMatmulDescSetAttribute(created, CUBLASLT_MATMUL_DESC_TRANSB, &of_x, sizeof of_x));
    return operation;
}

Result<LtPreference> preference_of(uint64_t workspace_bytes) {
    cublasLtMatmulPreference_t created = nullptr;
    KRAIT_CALL(cublasLtMatmulPreferenceCreate(&created));
    LtPreference preference(created);
    KRAIT_CALL(cublasLtMatmulPreferenceSetAttribute(created, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes,
                                                    sizeof workspace_bytes));
    return preference;  // operands are aligned to 256 bytes unless it says otherwise
}

}  // namespace

Result<LtProduct> LtProduct::create(const LtDevice& device, const ProductSize& size) {
    const Types types = types_of(size.type);
    LtProduct product;
    product.device_ = &device;
    product.type_ = size.type;
    KRAIT_TRY(product.operation_, operation_of(types));
    KRAIT_TRY(product.w_, layout_of(types.in, size.n_out, size.n_in));
    KRAIT_TRY(product.x_, layout_of(types.in, size.n_tok, size.n_in));
    KRAIT_TRY(product.y_, layout_of(types.out, size.n_tok, size.n_out));
    KRAIT_TRY(const LtPreference preference, preference_of(device.workspace_bytes));

    std::array<cublasLtMatmulHeuristicResult_t, kMaxAlgorithms> offered{};
    int n_offered = 0;
    KRAIT_CALL(cublasLtMatmulAlgoGetHeuristic(device.handle.get(), product.operation_.get(), product.w_.get(), product.x_.get(),
                                              product.y_.get(), product.y_.get(), preference.get(), kMaxAlgorithms,
                                              offered.data(), &n_offered));
    for (int i = 0; i < n_offered; ++i)
        if (offered[static_cast<size_t>(i)].state == CUBLAS_STATUS_SUCCESS)
            product.algorithms_.push_back(offered[static_cast<size_t>(i)].algo);
    if (product.algorithms_.empty())
        return fail(ErrorCode::unsupported, "cublasLtMatmulAlgoGetHeuristic offers no algorithm for it on this device");
    return product;
}

Result<void> LtProduct::enqueue(size_t algorithm, const Operands& operands) const {
    // The scale's type is that of the sums.
    const float one = 1, zero = 0;
    const int32_t whole_one = 1, whole_zero = 0;
    const bool whole = type_ == LtType::int8;
    const void* alpha = whole ? static_cast<const void*>(&whole_one) : &one;
    const void* beta = whole ? static_cast<const void*>(&whole_zero) : &zero;
    KRAIT_CALL(cublasLtMatmul(device_->handle.get(), operation_.get(), alpha, operands.w, w_.get(), operands.x, x_.get(), beta,
                              operands.y, y_.get(), operands.y, y_.get(), &algorithms_[algorithm], device_->workspace.get(),
                              device_->workspace_bytes, device_->stream.get()));
    return {};
}

}  // namespace krait::bench
