// SPDX-License-Identifier: Apache-2.0
#include "models/loading/weights.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/quant/codec.hpp"

namespace krait {
namespace {

// Extents of 1 carry no information, and writers disagree on them: {1, H} and {H} are the same weight.
std::vector<int64_t> without_ones(std::span<const int64_t> extents) {
    std::vector<int64_t> kept;
    std::copy_if(extents.begin(), extents.end(), std::back_inserter(kept), [](int64_t n) { return n != 1; });
    return kept;
}

// The shape that the file's tensor must have.
std::vector<int64_t> wanted_extents(const WeightSpec& spec) {
    std::vector<int64_t> extents = spec.extents;
    extents.back() /= spec.repeats;
    return extents;
}

// For messages: sizes may be absurd, so nothing is multiplied.
std::string wanted(const WeightSpec& spec) { return fmt::format("[{}]", fmt::join(wanted_extents(spec), ", ")); }

// The weight as the graph will see it, before it may be decoded.
Result<TensorDesc> desc_in_file(const ModelSource& file, const GgufTensor& tensor, const WeightSpec& spec) {
    const auto refuse = [&](std::string_view why) {
        return fail(ErrorCode::corrupt_file, "{}: tensor {} ({}) is {}; {}", file.name_of(tensor), quote_name(tensor.name),
                    file.origin_of(tensor), to_string(tensor.desc), why);
    };
    if (!dtype_info(tensor.dtype()).is_weight_format) return refuse("no weight has that type");
    // A row that is flat in the graph may be folded in the file ([n_group, d_inner / n_group]), never the other way round.
    const std::vector<int64_t> extents = wanted_extents(spec);
    const bool flat = extents.size() == 1 && element_count(tensor.desc) == extents[0] && !is_quantized(tensor.dtype());
    if (!flat && without_ones(tensor.extents()) != without_ones(extents))
        return refuse(fmt::format("the metadata calls for {}", wanted(spec)));
    // The counts agree, so the product is that of a shape the reader has accepted.
    if (extents.back() % dtype_info(tensor.dtype()).block_elems != 0)
        return refuse(fmt::format("rows of {} are not a whole number of its blocks", extents.back()));
    return make_desc(tensor.dtype(), extents);
}

std::vector<float> decode(const TensorDesc& desc, std::span<const std::byte> bytes, int64_t repeats) {
    std::vector<float> values(static_cast<size_t>(element_count(desc)));
    const int64_t width = last_extent(desc), stride = row_bytes(dtype_of(desc), width);
    for (int64_t row = 0; row < row_count(desc); ++row)
        decode_row(dtype_of(desc), bytes.data() + row * stride,
                   std::span(values).subspan(static_cast<size_t>(row * width), static_cast<size_t>(width)));
    const size_t n = values.size();
    values.resize(n * static_cast<size_t>(repeats));
    for (size_t i = n; i < values.size(); ++i) values[i] = values[i - n];
    return values;
}

Result<void> expect_finite(const ModelSource& file, const GgufTensor& tensor, std::span<const float> values) {
    const auto wrong = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
    if (wrong == values.end()) return {};
    return fail(ErrorCode::corrupt_file, "{}: tensor {} ({}) is {}: element {} is {}; finite numbers are needed",
                file.name_of(tensor), quote_name(tensor.name), file.origin_of(tensor), to_string(tensor.desc),
                wrong - values.begin(), *wrong);
}

// Has the system read the tensors that come next while devices take this one, kWindow and the rest of the last one ahead: so a
// file that is in no cache yet loads in the time of reading it, not in that and the devices' one after the other.
class ReadAhead {
  public:
    ReadAhead(const ModelSource& file, std::vector<const GgufTensor*> tensors) : file_(file), tensors_(std::move(tensors)) {}
    // Before each of them, in their order.
    void next() {
        if (asked_ == taken_) ask();
        waiting_ -= tensors_[taken_++]->byte_size();
        while (asked_ < tensors_.size() && waiting_ < kWindow) ask();
    }

  private:
    void ask() {
        const GgufTensor& tensor = *tensors_[asked_++];
        file_.will_read(tensor);
        waiting_ += tensor.byte_size();
    }

    static constexpr uint64_t kWindow = uint64_t{128} << 20;
    const ModelSource& file_;
    std::vector<const GgufTensor*> tensors_;
    size_t taken_ = 0, asked_ = 0;
    uint64_t waiting_ = 0;  // bytes that were asked for and not taken
};

// Bytes of the file that may have come to memory before the process gives them back: repacked they are in memory already, and
// the system keeps the file in its cache as long as it has room. Little enough beside any model worth measuring (mamba-130m: 80
// MB), and enough that giving back (1 ms for 100 MB) costs nothing.
constexpr uint64_t kMaxResident = uint64_t{1} << 20;

}  // namespace

Result<WeightDescs> describe_weights(const ModelSource& file, std::span<const WeightSpec> specs) {
    WeightDescs descs(specs.size());
    for (size_t i = 0; i < specs.size(); ++i) {
        const WeightSpec& spec = specs[i];
        if (const GgufTensor* tensor = file.find_tensor(spec.name)) {
            KRAIT_TRY(const TensorDesc desc, desc_in_file(file, *tensor, spec));
            descs[i] = spec.any_format ? desc : make_desc(DType::F32, spec.extents);
        } else if (!spec.optional) {
            return fail(ErrorCode::corrupt_file, "{}: the tensor '{}' is missing; the metadata calls for {}", file.name(),
                        spec.name, wanted(spec));
        }
    }
    return descs;
}

Result<void> Weights::upload(const ModelSource& file, const Upload& weight,
                             std::span<const std::shared_ptr<const Device>> devices) {
    const WeightSpec& spec = *weight.spec;
    const TensorDesc& desc = *descs_[weight.weight];
    KRAIT_TRY(const TensorDesc in_file, desc_in_file(file, *weight.tensor, spec));
    const bool as_it_is = dtype_of(in_file) == dtype_of(desc) && spec.repeats == 1;
    KRAIT_TRY(const TensorBytes read, file.read(*weight.tensor));
    const bool stays = !read.own && read.bytes.size() >= kMinBytesInPlace;
    const std::vector<float> values =
        as_it_is && !spec.finite ? std::vector<float>() : decode(in_file, read.bytes, spec.repeats);
    if (spec.finite) KRAIT_CHECK(expect_finite(file, *weight.tensor, values));
    for (const WeightLocation& at : weight.locations) {
        const Device& device = *devices[static_cast<size_t>(at.device)];
        Result<Buffer> buffer = as_it_is
                                    ? device.upload_constant(desc, at.uses, read.bytes, stays ? KRAIT_UPLOAD_BYTES_PERSIST : 0)
                                    : device.upload_constant(desc, at.uses, std::as_bytes(std::span(values)));
        if (!buffer) {
            Error error = std::move(buffer).error().within(fmt::format("{}: tensor '{}'", file.name(), spec.name));
            if (error.code == ErrorCode::out_of_memory)
                error.message += devices.size() == 1 ? "; name one more device for a part of the layers"
                                                     : "; give this device fewer layers, or name one more";
            return tl::unexpected<Error>(std::move(error));
        }
        bytes_of_[static_cast<size_t>(at.device)] += buffer->size();
        device_bytes_ += buffer->size();
        buffers_[weight.weight].push_back({at.device, std::make_shared<const Buffer>(std::move(*buffer))});
    }
    return {};
}

static tl::unexpected<Error> cancelled() { return fail(ErrorCode::cancelled, "cancelled while the model was loaded"); }

Result<Weights> Weights::load(const ModelSource& file, std::span<const WeightSpec> specs,
                              std::span<const std::shared_ptr<const Device>> devices, const WeightLocations& locations,
                              const LoadProgress& progress) {
    Weights weights;
    KRAIT_TRY(weights.descs_, describe_weights(file, specs));
    weights.bytes_of_.assign(devices.size(), 0);
    weights.buffers_.resize(specs.size());
    weights.first_.resize(specs.size());
    WeightLocations all_locations(specs.size());  // by the first weight of a name
    std::unordered_map<std::string_view, size_t> first_of;
    for (size_t i = 0; i < specs.size(); ++i) {
        const size_t first = weights.first_[i] = first_of.emplace(specs[i].name, i).first->second;
        std::vector<WeightLocation>& known = all_locations[first];
        for (const WeightLocation& at : locations[i])
            if (std::none_of(known.begin(), known.end(), [&](const auto& other) { return other.device == at.device; }))
                known.push_back(at);
    }
    uint64_t to_upload = 0;
    std::vector<Upload> uploads;
    for (size_t i = 0; i < specs.size(); ++i) {
        const GgufTensor* tensor = file.find_tensor(specs[i].name);
        if (!tensor || weights.first_[i] != i) continue;
        weights.file_bytes_ += tensor->byte_size();
        if (all_locations[i].empty()) continue;  // nothing reads it
        uploads.push_back({i, &specs[i], tensor, all_locations[i]});
        to_upload += tensor->byte_size();
    }
    // A tensor is in memory twice while a device repacks it. Large ones come first, while the rest is not there yet.
    std::stable_partition(uploads.begin(), uploads.end(),
                          [&](const Upload& upload) { return upload.tensor->byte_size() >= to_upload / 16; });
    std::vector<const GgufTensor*> tensors;
    tensors.reserve(uploads.size());
    for (const Upload& upload : uploads) tensors.push_back(upload.tensor);
    ReadAhead ahead(file, std::move(tensors));

    const uint64_t total = weights.file_bytes_;
    uint64_t done = total - to_upload, resident = 0;
    for (const Upload& upload : uploads) {
        if (progress && !progress(done, total)) return cancelled();
        ahead.next();
        KRAIT_CHECK(weights.upload(file, upload, devices));
        done += upload.tensor->byte_size();
        resident += upload.tensor->byte_size();
        if (resident < kMaxResident) continue;
        // All of it: the system maps neighbours of a page that is read, and tensors share pages.
        file.release_pages();
        resident = 0;
    }
    if (progress && !progress(done, total)) return cancelled();
    return weights;
}

std::shared_ptr<const Buffer> Weights::find(size_t weight, int32_t device) const {
    for (const Held& held : buffers_[first_[weight]])
        if (held.device == device) return held.buffer;
    return nullptr;
}

}  // namespace krait
