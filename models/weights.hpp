// SPDX-License-Identifier: Apache-2.0
//
// Weights: what a model needs, checked against what its file holds, and uploaded to a device tensor by tensor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/ops/op_list.hpp"
#include "core/runtime/device.hpp"
#include "models/gguf/gguf_reader.hpp"

namespace krait {

// Bytes of the file that have been dealt with, of how many. Called from the thread that loads.
using LoadProgress = std::function<void(uint64_t done, uint64_t total)>;

// One weight that an architecture asks for.
struct WeightSpec {
    std::string name;              // in the file
    std::vector<int64_t> extents;  // as the graph wants them, Krait's order; the file may add or lack extents of 1
    bool any_format = false;       // false: the op takes F32 only, other formats are decoded while loading
    bool optional = false;
    std::vector<krait_use> uses;  // which op and operand will read it
};

template <class Op>
constexpr krait_use use_of(OpId op, std::string_view operand) {
    for (uint32_t i = 0; i < std::size(Op::kIn); ++i)
        if (operand == Op::kIn[i].name) return {static_cast<uint32_t>(op), i};
    return {static_cast<uint32_t>(op), UINT32_MAX};  // a typing error: every architecture is built once by the tests
}

// A weight on its device.
struct Weight {
    TensorDesc desc{};
    std::shared_ptr<const Buffer> buffer;
};

class Weights {
  public:
    // An error names the tensor, what it is and what it must be, and where in the file it stands. Nothing is uploaded
    // before all have been checked. The file must outlive the weights: devices that can read it in place do.
    static Result<Weights> load(const GgufFile& file, std::span<const WeightSpec> specs, const Device& device,
                                const LoadProgress& progress);

    // nullptr where an optional weight is absent.
    const Weight* find(const std::string& name) const;
    uint64_t file_bytes() const { return file_bytes_; }      // as they stand in the file
    uint64_t device_bytes() const { return device_bytes_; }  // taken on the device; less where it reads the file in place

  private:
    std::map<std::string, Weight, std::less<>> weights_;
    uint64_t file_bytes_ = 0;
    uint64_t device_bytes_ = 0;
};

// Only the checks: every weight is there, in a form that can be used.
Result<void> check_weights(const GgufFile& file, std::span<const WeightSpec> specs);

}  // namespace krait
