// SPDX-License-Identifier: Apache-2.0
#include "graph/executor.hpp"

#include <algorithm>

#include "graph/lower.hpp"

namespace krait::graph {

Result<Executor> Executor::create(std::vector<std::shared_ptr<const Device>> devices) {
    if (devices.empty()) return fail(ErrorCode::invalid_argument, "no device: at least one is needed");
    std::vector<std::unique_ptr<Lane>> lanes;
    for (std::shared_ptr<const Device>& device : devices) {
        KRAIT_TRY(Queue queue, device->create_queue());
        lanes.push_back(std::make_unique<Lane>(Lane{std::move(device), std::move(queue), nullptr, 0, false, nullptr}));
    }
    return Executor(std::move(lanes));
}

Result<Compiled*> Executor::find(std::string_view key) {
    const auto found = std::find_if(programs_.begin(), programs_.end(), [&](const Compiled& c) { return c.key_ == key; });
    if (found == programs_.end()) return nullptr;
    programs_.splice(programs_.begin(), programs_, found);
    if (!is_bound(*found)) KRAIT_CHECK(bind(*found));  // an arena has grown since
    return &*found;
}

bool Executor::is_ready(std::string_view key) const {
    return std::any_of(programs_.begin(), programs_.end(), [&](const Compiled& c) { return c.key_ == key && is_bound(c); });
}

Result<Pipeline*> Executor::pipeline() {
    if (!pipeline_) {
        KRAIT_TRY(pipeline_, Pipeline::create(lanes_));
    }
    return pipeline_.get();
}

Result<void> Executor::check_nodes(const Share& share) const {
    const LoweredGraph unplaced(share.graph);
    for (uint32_t n = 0; n < unplaced.get().n_nodes; ++n)
        if (auto why = lanes_[static_cast<size_t>(share.device)]->device->declines(unplaced.get(), n)) {
            const Node& node = share.graph.nodes[n];
            return tl::unexpected<Error>(
                std::move(*why).within(fmt::format("node {} '{}' ({})", n, node.name, op_name(node.op))));
        }
    return {};
}

Result<Compiled*> Executor::compile(std::string key, PlacedGraph placed) {
    Compiled compiled;
    compiled.key_ = std::move(key);
    compiled.graph_ = std::move(placed.graph);
    placed.device.resize(compiled.graph_.nodes.size(), 0);
    compiled.n_inputs_ =
        static_cast<size_t>(std::count_if(compiled.graph_.tensors.begin(), compiled.graph_.tensors.end(),
                                          [](const Tensor& tensor) { return tensor.role == TensorRole::input; }));
    compiled.checks_ = IndexChecks::of(compiled.graph_);
    compiled.divided_ = insert_copies(compiled.graph_, partition(compiled.graph_, placed.device));

    DividedGraph& divided = compiled.divided_;
    for (const Share& share : divided.shares) {
        KRAIT_CHECK(check_nodes(share));
        const uint64_t alignment = arena_alignment(*lanes_[static_cast<size_t>(share.device)]->device);
        compiled.plans_.push_back(plan_memory(share.graph, alignment, share.stays));
    }
    compiled.sends_.assign(divided.parts.size(), false);
    compiled.staging_bytes_.assign(divided.shares.size(), 0);
    compiled.standing_.resize(divided.shares.size() * compiled.n_inputs_);
    for (size_t i = 0; i < divided.copies.size(); ++i) {
        const Copy& copy = divided.copies[i];
        compiled.sends_[copy.after] = true;
        const auto first = std::find_if(divided.copies.begin(), divided.copies.end(),
                                        [&](const Copy& other) { return other.tensor == copy.tensor; });
        const auto index = static_cast<size_t>(first - divided.copies.begin());
        uint64_t& used = compiled.staging_bytes_[copy.from];
        compiled.staging_offset_.push_back(index < i ? compiled.staging_offset_[index] : used);
        if (index == i) used += (copy.bytes + 63) / 64 * 64;
    }
    KRAIT_CHECK(bind(compiled));
    programs_.push_front(std::move(compiled));
    if (programs_.size() > kMaxPrograms) {
        KRAIT_CHECK(sync());
        forget_inputs();
        programs_.pop_back();
    }
    return &programs_.front();
}

bool Executor::is_bound(const Compiled& compiled) const {
    for (uint32_t share = 0; share < compiled.arenas_.size(); ++share)
        if (compiled.arenas_[share] != lanes_[compiled.device_of(share)]->arena) return false;
    return !compiled.arenas_.empty() || compiled.divided_.shares.empty();
}

Result<void> Executor::bind(Compiled& compiled) {
    KRAIT_CHECK(sync());
    forget_inputs();
    for (uint32_t share = 0; share < compiled.divided_.shares.size(); ++share) {
        Lane& lane = *lanes_[compiled.device_of(share)];
        KRAIT_CHECK(staging_.reserve(lanes_.size(), compiled.device_of(share), *lane.device, compiled.staging_bytes(share)));
        // Not arena->size(): that is what the buffer takes, and a device may take more than can be used.
        const uint64_t wanted = std::max<uint64_t>(compiled.plans_[share].peak_bytes, 1);
        if (lane.arena && lane.usable_bytes >= wanted) continue;
        KRAIT_TRY(Buffer larger, lane.device->create_buffer(KRAIT_BUFFER_DEVICE, wanted));
        // Programs are bound to the old one; prepare() binds them again when they are wanted.
        for (Compiled& other : programs_) {
            other.programs_.clear();
            other.arenas_.clear();
        }
        lane.arena = std::make_shared<const Buffer>(std::move(larger));
        lane.usable_bytes = wanted;
    }
    compiled.programs_.clear();
    compiled.arenas_.clear();
    std::vector<std::shared_ptr<const Buffer>> arenas;
    std::vector<Program> programs;
    for (const Share& share : compiled.divided_.shares) arenas.push_back(lanes_[static_cast<size_t>(share.device)]->arena);
    for (const SharePart& part : compiled.divided_.parts) {
        const Share& share = compiled.divided_.shares[part.share];
        const LoweredGraph placed(share.graph, part.first_node, part.n_nodes, *arenas[part.share], compiled.plans_[part.share]);
        KRAIT_TRY(Program program, lanes_[static_cast<size_t>(share.device)]->device->create_program(placed.get()));
        programs.push_back(std::move(program));
    }
    compiled.programs_ = std::move(programs);
    compiled.arenas_ = std::move(arenas);
    return {};
}

void Executor::forget_inputs() {
    for (const auto& lane : lanes_) lane->latest = nullptr;
}

Result<void> Executor::run(Compiled& compiled, std::span<const InputBytes> inputs, std::span<const DeviceBytes> on_device) {
    KRAIT_CHECK(compiled.check(inputs, on_device));
    Result<void> submitted = submit(compiled, inputs, on_device);
    if (!submitted) forget_inputs();
    return submitted;
}

Result<void> Executor::submit(Compiled& compiled, std::span<const InputBytes> inputs, std::span<const DeviceBytes> on_device) {
    const DividedGraph& divided = compiled.divided();
    for (uint32_t share = 0; share < divided.shares.size(); ++share) {
        Lane& lane = *lanes_[compiled.device_of(share)];
        lane.has_left = false;
        KRAIT_CHECK(compiled.write_inputs(share, lane, inputs, on_device));
    }
    for (uint32_t part = 0; part < divided.parts.size(); ++part) {
        Lane& lane = *lanes_[compiled.device_of(divided.parts[part].share)];
        for (const Copy& copy : divided.copies) {
            Lane& source = *lanes_[compiled.device_of(copy.from)];
            if (copy.before != part || !source.has_left) continue;
            KRAIT_CHECK(source.queue.sync());
            source.has_left = false;
        }
        KRAIT_CHECK(compiled.copy_in(part, lane, staging_));
        KRAIT_CHECK(compiled.run_part(part, lane));
        if (!compiled.has_copies_out(part)) continue;
        KRAIT_CHECK(compiled.copy_out(part, lane, staging_));
        lane.has_left = true;
    }
    return {};
}

Result<void> Executor::keep(Compiled& compiled, const DeviceBytes& output) {
    KRAIT_TRY(const uint32_t share, compiled.share_of({output.tensor, {}}));
    return compiled.copy_output(share, *lanes_[compiled.device_of(share)], output);
}

Result<void> Executor::read(Compiled& compiled, std::span<const OutputBytes> outputs) {
    for (const OutputBytes& output : outputs) {
        KRAIT_TRY(const uint32_t share, compiled.share_of(output));
        KRAIT_CHECK(compiled.read_output(share, *lanes_[compiled.device_of(share)], output));
    }
    return sync();
}

Result<void> Executor::sync() {
    Result<void> first;
    for (const auto& lane : lanes_) {
        Result<void> done = lane->queue.sync();
        if (first && !done) first = std::move(done);
    }
    if (!first) forget_inputs();
    return first;
}

uint64_t Executor::arena_bytes() const {
    uint64_t bytes = 0;
    for (const auto& lane : lanes_) bytes += lane->arena ? lane->arena->size() : 0;
    return bytes;
}

}  // namespace krait::graph
