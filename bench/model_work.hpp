// SPDX-License-Identifier: Apache-2.0
//
// The minimum that a run of a model has to read and to multiply (krait_work has the formula): the baseline with which a
// measured time is compared.
#pragma once

#include <krait/model.hpp>

#include "bench/api_result.hpp"
#include "core/tensor/dtype.hpp"

namespace krait::bench {

struct ModelWork {
    krait_work work = KRAIT_WORK_INIT;
    uint64_t state_bytes = 0;  // of a sequence
    DType widest{};            // format of most of the multiplied weights

    static Result<ModelWork> of(const api::Model& model) {
        ModelWork result;
        KRAIT_TRY(result.work, from_api(model.work()));
        result.state_bytes = model.state_bytes();
        const auto type = parse_dtype(result.work.type);
        if (!type) return fail(ErrorCode::internal, "'{}' is no format of weights that is known here", result.work.type);
        result.widest = *type;
        return result;
    }

    // For a run of so many rows in so many sequences, with so many rows of logits.
    double bytes(int64_t rows, int64_t sequences, int64_t logits) const {
        return static_cast<double>(work.weight_bytes - (logits > 0 ? 0 : work.head_bytes)) +
               static_cast<double>(rows) * static_cast<double>(work.embedding_row_bytes) +
               2 * static_cast<double>(sequences) * static_cast<double>(state_bytes);
    }
    double operations(int64_t rows, int64_t logits) const {
        return 2 * (static_cast<double>(rows) * static_cast<double>(work.layer_weights) +
                    static_cast<double>(logits) * static_cast<double>(work.head_weights));
    }
};

}  // namespace krait::bench
