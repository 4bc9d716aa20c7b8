// SPDX-License-Identifier: Apache-2.0
#include "graph/executor.hpp"

#include <algorithm>

#include "graph/lower.hpp"

namespace krait::graph {

Result<Executor> Executor::create(std::vector<std::shared_ptr<const Device>> devices, RunObserver* observer) {
    if (devices.empty()) return fail(ErrorCode::invalid_argument, "no device: at least one is needed");
    std::vector<std::unique_ptr<DeviceContext>> contexts;
    for (std::shared_ptr<const Device>& device : devices) {
        KRAIT_TRY(Queue queue, device->create_queue());
        contexts.push_back(
            std::make_unique<DeviceContext>(DeviceContext{std::move(device), std::move(queue), nullptr, 0, false, nullptr}));
    }
    return Executor(std::move(contexts), observer);
}

Result<Compiled*> Executor::find(std::string_view key) {
    const auto found = std::find_if(programs_.begin(), programs_.end(), [&](const Compiled& c) { return c.key_ == key; });
    if (found == programs_.end()) return nullptr;
    programs_.splice(programs_.begin(), programs_, found);
    if (!is_bound(*found)) {  // an arena has grown since
        KRAIT_CHECK(bind(*found));
        ++counts_.n_bound_again;
    }
    return &*found;
}

bool Executor::is_ready(std::string_view key) const {
    return std::any_of(programs_.begin(), programs_.end(), [&](const Compiled& c) { return c.key_ == key && is_bound(c); });
}

Result<Pipeline*> Executor::pipeline() {
    if (!pipeline_) {
        KRAIT_TRY(pipeline_, Pipeline::create(contexts_));
    }
    return pipeline_.get();
}

Result<void> Executor::check_nodes(const Subgraph& subgraph) const {
    const LoweredGraph unplaced(subgraph.graph);
    for (uint32_t n = 0; n < unplaced.get().n_nodes; ++n)
        if (auto why = contexts_[static_cast<size_t>(subgraph.device)]->device->declines(unplaced.get(), n)) {
            const Node& node = subgraph.graph.nodes[n];
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
    const bool by_node = times_ && times_->wants_nodes();
    CompilePlan plan =
        plan_graph(compiled.graph_, placed.device, alignments(), by_node ? Programs::by_node : Programs::by_segment);
    for (const DeviceSegment& segment : plan.segments) compiled.first_nodes_.push_back(segment.nodes.front());
    compiled.partitioned_ = std::move(plan.partitioned);
    compiled.plans_ = std::move(plan.memory);

    PartitionedGraph& partitioned = compiled.partitioned_;
    for (const Subgraph& subgraph : partitioned.subgraphs) KRAIT_CHECK(check_nodes(subgraph));
    compiled.has_copies_out_.assign(partitioned.segments.size(), false);
    compiled.staging_bytes_.assign(partitioned.subgraphs.size(), 0);
    compiled.last_inputs_.resize(partitioned.subgraphs.size() * compiled.n_inputs_);
    for (size_t i = 0; i < partitioned.copies.size(); ++i) {
        const Copy& copy = partitioned.copies[i];
        compiled.has_copies_out_[copy.after] = true;
        const auto first = std::find_if(partitioned.copies.begin(), partitioned.copies.end(),
                                        [&](const Copy& other) { return other.tensor == copy.tensor; });
        const auto index = static_cast<size_t>(first - partitioned.copies.begin());
        uint64_t& used = compiled.staging_bytes_[copy.from];
        compiled.staging_offset_.push_back(index < i ? compiled.staging_offset_[index] : used);
        if (index == i) used += (copy.bytes + 63) / 64 * 64;
    }
    KRAIT_CHECK(bind(compiled));
    ++counts_.n_compiled;
    programs_.push_front(std::move(compiled));
    if (programs_.size() > kMaxPrograms) {
        KRAIT_CHECK(sync());
        forget_inputs();
        programs_.pop_back();
    }
    return &programs_.front();
}

bool Executor::is_bound(const Compiled& compiled) const {
    for (uint32_t subgraph = 0; subgraph < compiled.arenas_.size(); ++subgraph)
        if (compiled.arenas_[subgraph] != contexts_[compiled.device_of(subgraph)]->arena) return false;
    return !compiled.arenas_.empty() || compiled.partitioned_.subgraphs.empty();
}

Result<void> Executor::bind(Compiled& compiled) {
    KRAIT_CHECK(sync());
    forget_inputs();
    for (uint32_t subgraph = 0; subgraph < compiled.partitioned_.subgraphs.size(); ++subgraph) {
        DeviceContext& context = *contexts_[compiled.device_of(subgraph)];
        KRAIT_CHECK(staging_.reserve(contexts_.size(), compiled.device_of(subgraph), *context.device,
                                     compiled.staging_bytes(subgraph)));
        KRAIT_CHECK(grow_arena(compiled.device_of(subgraph), compiled.plans_[subgraph].peak_bytes));
    }
    compiled.programs_.clear();
    compiled.arenas_.clear();
    std::vector<std::shared_ptr<const Buffer>> arenas;
    std::vector<Program> programs;
    for (const Subgraph& subgraph : compiled.partitioned_.subgraphs)
        arenas.push_back(contexts_[static_cast<size_t>(subgraph.device)]->arena);
    for (const Segment& segment : compiled.partitioned_.segments) {
        const Subgraph& subgraph = compiled.partitioned_.subgraphs[segment.subgraph];
        const LoweredGraph placed(subgraph.graph, segment.first_node, segment.n_nodes, *arenas[segment.subgraph],
                                  compiled.plans_[segment.subgraph]);
        KRAIT_TRY(Program program, contexts_[static_cast<size_t>(subgraph.device)]->device->create_program(placed.get()));
        programs.push_back(std::move(program));
    }
    compiled.programs_ = std::move(programs);
    compiled.arenas_ = std::move(arenas);
    return {};
}

Result<void> Executor::grow_arena(size_t device, uint64_t bytes) {
    DeviceContext& context = *contexts_[device];
    // Not arena->size(): that is what the buffer takes, and a device may take more than can be used.
    const uint64_t wanted = std::max<uint64_t>(bytes, 1);
    if (context.arena && context.usable_bytes >= wanted) return {};
    KRAIT_TRY(Buffer larger, context.device->create_buffer(KRAIT_BUFFER_DEVICE, wanted));
    // Programs are bound to the old one; prepare() binds them again when they are wanted.
    for (Compiled& other : programs_) {
        other.programs_.clear();
        other.arenas_.clear();
    }
    context.arena = std::make_shared<const Buffer>(std::move(larger));
    context.usable_bytes = wanted;
    ++counts_.n_arenas;
    return {};
}

Result<void> Executor::reserve(const PlacedGraph& largest) {
    std::vector<int32_t> device = largest.device;
    device.resize(largest.graph.nodes.size(), 0);
    const CompilePlan plan = plan_graph(largest.graph, device, alignments());
    KRAIT_CHECK(sync());
    forget_inputs();
    for (size_t i = 0; i < plan.memory.size(); ++i)
        KRAIT_CHECK(grow_arena(static_cast<size_t>(plan.partitioned.subgraphs[i].device), plan.memory[i].peak_bytes));
    return {};
}

std::vector<uint64_t> Executor::alignments() const {
    std::vector<uint64_t> alignments;
    for (const auto& context : contexts_) alignments.push_back(arena_alignment(*context->device));
    return alignments;
}

void Executor::forget_inputs() {
    for (const auto& context : contexts_) context->last_written = nullptr;
}

Result<void> Executor::run(Compiled& compiled, std::span<const InputBytes> inputs, std::span<const DeviceBytes> on_device,
                           std::span<const int64_t> sizes) {
    KRAIT_CHECK(compiled.check(inputs, on_device));
    Result<void> submitted = submit(compiled, inputs, on_device, sizes);
    if (!submitted) forget_inputs();
    return submitted;
}

Result<void> Executor::submit(Compiled& compiled, std::span<const InputBytes> inputs, std::span<const DeviceBytes> on_device,
                              std::span<const int64_t> sizes) {
    const PartitionedGraph& partitioned = compiled.partitioned();
    if (times_) times_->begin();
    for (uint32_t subgraph = 0; subgraph < partitioned.subgraphs.size(); ++subgraph) {
        DeviceContext& context = *contexts_[compiled.device_of(subgraph)];
        context.copies_pending = false;
        KRAIT_CHECK(compiled.write_inputs(subgraph, context, inputs, on_device));
    }
    for (uint32_t segment = 0; segment < partitioned.segments.size(); ++segment) {
        DeviceContext& context = *contexts_[compiled.device_of(partitioned.segments[segment].subgraph)];
        for (const Copy& copy : partitioned.copies) {
            DeviceContext& source = *contexts_[compiled.device_of(copy.from)];
            if (copy.before != segment || !source.copies_pending) continue;
            KRAIT_CHECK(source.queue.sync());
            source.copies_pending = false;
        }
        KRAIT_CHECK(compiled.copy_in(segment, context, staging_));
        KRAIT_CHECK(times_ ? times_->run_segment(compiled, segment, context, sizes)
                           : context.queue.run(compiled.program(segment), sizes));
        if (!compiled.has_copies_out(segment)) continue;
        KRAIT_CHECK(compiled.copy_out(segment, context, staging_));
        context.copies_pending = true;
    }
    if (!times_) return {};
    KRAIT_CHECK(sync());
    times_->end(compiled, inputs);
    return {};
}

Result<void> Executor::copy_output(Compiled& compiled, const DeviceBytes& output) {
    KRAIT_TRY(const uint32_t subgraph, compiled.subgraph_of({output.tensor, {}, 0}));
    return compiled.copy_output(subgraph, *contexts_[compiled.device_of(subgraph)], output);
}

Result<void> Executor::read(Compiled& compiled, std::span<const OutputBytes> outputs) {
    for (const OutputBytes& output : outputs) {
        KRAIT_TRY(const uint32_t subgraph, compiled.subgraph_of(output));
        KRAIT_CHECK(compiled.read_output(subgraph, *contexts_[compiled.device_of(subgraph)], output));
    }
    return sync();
}

Result<void> Executor::sync() {
    Result<void> first;
    for (const auto& context : contexts_) {
        Result<void> done = context->queue.sync();
        if (first && !done) first = std::move(done);
    }
    if (!first) forget_inputs();
    return first;
}

void Executor::drain() noexcept {
    try {
        (void)sync();
    } catch (...) {  // only while an error is put into words
    }
}

uint64_t Executor::arena_bytes() const {
    uint64_t bytes = 0;
    for (const auto& context : contexts_) bytes += context->arena ? context->arena->size() : 0;
    return bytes;
}

}  // namespace krait::graph
