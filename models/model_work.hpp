// SPDX-License-Identifier: Apache-2.0
//
// The minimum that a model has to read and to multiply: the baseline with which a measured time is compared.
//   a run of n rows in B sequences, with logits for m of the rows
//     reads     the weights once and 2 * B states (one in, one out); of an embedding that is not the head, only the n rows
//     computes  2 * (n * weights of the layers + m * weights of the head) operations, where a weight is one that some row is
//               multiplied with (mul_mat, mul_mat_experts, ssm_conv); norms, the scan and activations are left out
// Bytes are those of the file: devices may hold weights in layouts of other sizes.
#pragma once

#include <cstdint>

#include "models/model.hpp"

namespace krait {

struct ModelWork {
    uint64_t weight_bytes = 0;         // read by a step of one row that wants logits: of experts those that it goes to
    uint64_t head_bytes = 0;           // the part of it that is the head's
    uint64_t embedding_row_bytes = 0;  // of a token
    uint64_t layer_weights = 0;        // multiplied for each row
    uint64_t head_weights = 0;         // multiplied for each row whose logits are wanted
    DType widest{};                    // format of most of the multiplied weights

    static Result<ModelWork> of(const Model& model);  // from the graph of a step (graph/node_work.hpp)
};

}  // namespace krait
