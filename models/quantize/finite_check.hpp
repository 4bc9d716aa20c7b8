// SPDX-License-Identifier: Apache-2.0
//
// The first weight of a tensor that its new format cannot say, looked for by the threads that encode its rows.
#pragma once

#include <cmath>
#include <mutex>
#include <span>

#include "formats/gguf/gguf_types.hpp"

namespace krait {

class FiniteCheck {
  public:
    // force: NaN and infinities are no flaw. Any thread; index: of the row.
    void look_at(std::span<const float> row, DType to, bool force, int64_t index) {
        for (const float weight : row) {
            const bool is_beyond_f16 = to == DType::F16 && std::fabs(weight) >= 65520.0f;  // rounds to infinity from there
            if (std::isfinite(weight) ? !is_beyond_f16 : force) continue;
            const std::lock_guard lock(mutex_);
            if (found_ && row_ <= index) return;
            found_ = true, row_ = index, weight_ = weight;
            return;
        }
    }
    // hint: how to take weights that are not finite all the same; may be empty.
    Result<void> result(std::string_view tensor, DType to, std::string_view hint) const {
        if (!found_) return {};
        if (std::isfinite(weight_))
            return fail(ErrorCode::invalid_argument,
                        "tensor {}: row {} holds {}, and {} ends at 65504; BF16, F32 and formats of blocks can hold it",
                        quote_name(tensor), row_, weight_, dtype_name(to));
        return fail(ErrorCode::corrupt_file, "tensor {}: row {} holds {}. Is the file damaged?{}{}", quote_name(tensor), row_,
                    weight_, hint.empty() ? "" : " ", hint);
    }

  private:
    std::mutex mutex_;
    bool found_ = false;
    int64_t row_ = 0;
    float weight_ = 0;
};

}  // namespace krait
