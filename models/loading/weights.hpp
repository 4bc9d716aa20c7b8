// SPDX-License-Identifier: Apache-2.0
//
// Weights: what a model needs, checked against what its file holds, and uploaded tensor by tensor to the
// device that reads it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/ops/op_id.hpp"
#include "core/ops/operands.hpp"
#include "core/runtime/device.hpp"
#include "formats/model_source.hpp"

namespace krait {

// Bytes of the file that have been dealt with, of how many. Called from the thread that loads. False ends the load, which is
// `cancelled` then.
using LoadProgress = std::function<bool(uint64_t done, uint64_t total)>;

// One weight that an architecture asks for.
struct WeightSpec {
    std::string name;              // in the file; several weights of one name are one tensor, uploaded once
    std::vector<int64_t> extents;  // as the graph wants them, Krait's order; the file may add or lack extents of 1
    bool any_format = false;       // false: the op takes F32 only, other formats are decoded while loading
    bool optional = false;
    bool finite = false;          // NaN and infinities in it are an error, for they would do harm without a trace
    int64_t repeats = 1;          // how often what the file has follows itself in the graph's rank-1 weight
    std::vector<krait_use> uses;  // which op and operand will read it
};

template <class Op>
constexpr krait_use use_of(OpId op, std::string_view operand) {
    // -1 is a typing error: every architecture is built once by the tests.
    return {static_cast<uint32_t>(op), static_cast<uint32_t>(find_operand(Op::kIn, operand))};
}

// Weights as the graph sees them, in the order of the specs; nothing for optional ones that the file lacks.
using WeightDescs = std::vector<std::optional<TensorDesc>>;
// Checks that every weight is there in a form that can be used: an error names the tensor, what it is and what it must be, and
// where in the file it stands.
Result<WeightDescs> describe_weights(const ModelSource& file, std::span<const WeightSpec> specs);

// A smaller weight is not read in place by any device but copied: the system maps 64 KiB for whatever is touched of a file, and
// a model has hundreds of small vectors. A device may hold one twice, as it is and repacked.
inline constexpr uint64_t kMinBytesInPlace = uint64_t{64} << 10;

// A device that reads a weight, and as what.
struct WeightLocation {
    int32_t device = 0;
    std::vector<krait_use> uses;
};
// By weight, in the order of the specs. A weight that is read on two devices (a tied embedding) is on both.
using WeightLocations = std::vector<std::vector<WeightLocation>>;

class Weights {
  public:
    // Nothing is uploaded before all have been checked. The file must outlive the weights: devices that can read it in place
    // do. Pages of the file that were read meanwhile are given back to the system.
    static Result<Weights> load(const ModelSource& file, std::span<const WeightSpec> specs,
                                std::span<const std::shared_ptr<const Device>> devices, const WeightLocations& locations,
                                const LoadProgress& progress);

    const WeightDescs& descs() const { return descs_; }
    // A weight, by its place in the specs, on a device; nullptr where it is not there.
    std::shared_ptr<const Buffer> find(size_t weight, int32_t device) const;
    uint64_t file_bytes() const { return file_bytes_; }      // as they stand in the file
    uint64_t device_bytes() const { return device_bytes_; }  // taken on all devices; less where one reads the file in place
    std::span<const uint64_t> bytes_by_device() const { return bytes_of_; }

  private:
    struct Upload {
        size_t weight;  // its place in the specs
        const WeightSpec* spec;
        const GgufTensor* tensor;
        std::span<const WeightLocation> locations;
    };
    Result<void> upload(const ModelSource& file, const Upload& weight, std::span<const std::shared_ptr<const Device>> devices);

    WeightDescs descs_;
    struct Held {
        int32_t device;
        std::shared_ptr<const Buffer> buffer;
    };
    std::vector<std::vector<Held>> buffers_;  // by weight
    std::vector<size_t> first_;               // by weight: the first one of its name, which has the buffers of all of them
    std::vector<uint64_t> bytes_of_;          // by device
    uint64_t file_bytes_ = 0;
    uint64_t device_bytes_ = 0;
};

}  // namespace krait
