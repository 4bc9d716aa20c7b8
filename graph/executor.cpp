// SPDX-License-Identifier: Apache-2.0
#include "graph/executor.hpp"

#include <algorithm>

#include "graph/lower.hpp"

namespace krait::graph {

Result<Executor> Executor::create(std::shared_ptr<const Device> device) {
    KRAIT_TRY(Queue queue, device->create_queue());
    return Executor(std::move(device), std::move(queue));
}

Result<Compiled*> Executor::prepare(const std::string& key, const std::function<Result<Graph>()>& build) {
    const auto found = std::find_if(programs_.begin(), programs_.end(), [&](const Compiled& c) { return c.key_ == key; });
    if (found != programs_.end()) {
        programs_.splice(programs_.begin(), programs_, found);
        if (found->arena_ != arena_) KRAIT_CHECK(bind(*found));  // the arena has grown since
        return &*found;
    }
    Compiled compiled;
    compiled.key_ = key;
    KRAIT_TRY(compiled.graph_, build());
    const LoweredGraph unplaced(compiled.graph_);
    for (uint32_t n = 0; n < unplaced.get().n_nodes; ++n)
        if (auto why = device_->declines(unplaced.get(), n)) {
            const Node& node = compiled.graph_.nodes[n];
            return tl::unexpected<Error>(
                std::move(*why).within(fmt::format("node {} '{}' ({})", n, node.name, op_name(node.op))));
        }
    compiled.plan_ = plan_memory(compiled.graph_, std::max<uint64_t>(device_->info().alignment, 64));
    compiled.checks_ = IndexChecks::of(compiled.graph_);
    KRAIT_CHECK(bind(compiled));
    programs_.push_front(std::move(compiled));
    if (programs_.size() > kMaxPrograms) {
        KRAIT_CHECK(queue_.sync());
        programs_.pop_back();
    }
    return &programs_.front();
}

Result<void> Executor::bind(Compiled& compiled) {
    KRAIT_CHECK(queue_.sync());
    // Not arena_->size(): that is what the buffer takes, and a device may take more than can be used.
    if (!arena_ || usable_bytes_ < compiled.plan_.peak_bytes) {
        const uint64_t wanted = std::max<uint64_t>(compiled.plan_.peak_bytes, 1);
        KRAIT_TRY(Buffer larger, device_->create_buffer(KRAIT_BUFFER_DEVICE, wanted));
        arena_ = std::make_shared<const Buffer>(std::move(larger));
        usable_bytes_ = wanted;
        for (Compiled& other : programs_) {  // prepare() binds them again when they are wanted
            other.program_ = {};
            other.arena_.reset();
        }
    }
    const LoweredGraph placed(compiled.graph_, arena_.get(), &compiled.plan_);
    KRAIT_TRY(compiled.program_, device_->create_program(placed.get()));
    compiled.arena_ = arena_;
    return {};
}

Result<void> Executor::run(Compiled& compiled, std::span<const InputBytes> inputs) {
    const Graph& graph = compiled.graph_;
    size_t n_expected = 0;
    for (const Tensor& tensor : graph.tensors) n_expected += tensor.role == TensorRole::input;
    if (inputs.size() != n_expected)
        return fail(ErrorCode::invalid_argument, "the graph has {} inputs, {} were given", n_expected, inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
        const InputBytes& input = inputs[i];
        const Tensor& tensor = graph[input.tensor];
        const bool repeated = std::any_of(inputs.begin(), inputs.begin() + static_cast<ptrdiff_t>(i),
                                          [&](const InputBytes& other) { return other.tensor == input.tensor; });
        if (tensor.role != TensorRole::input || repeated)
            return fail(ErrorCode::invalid_argument, "'{}' is no input, or was given twice", tensor.name);
        if (static_cast<int64_t>(input.bytes.size()) != span_bytes(tensor.desc))
            return fail(ErrorCode::invalid_argument, "input '{}' is {}, {} bytes; {} were given", tensor.name,
                        to_string(tensor.desc), span_bytes(tensor.desc), input.bytes.size());
    }
    KRAIT_CHECK(compiled.checks_.check(graph, inputs));
    for (const InputBytes& input : inputs)
        if (!input.bytes.empty())
            KRAIT_CHECK(queue_.write(*compiled.arena_, compiled.plan_.offset[static_cast<size_t>(input.tensor)], input.bytes));
    return queue_.run(compiled.program_);
}

Result<void> Executor::read(Compiled& compiled, TensorId output, std::span<std::byte> bytes) {
    const Tensor& tensor = compiled.graph_[output];
    if (tensor.role != TensorRole::output || static_cast<int64_t>(bytes.size()) != span_bytes(tensor.desc))
        return fail(ErrorCode::invalid_argument, "'{}' ({}) cannot be read into {} bytes", tensor.name, to_string(tensor.desc),
                    bytes.size());
    if (!bytes.empty()) KRAIT_CHECK(queue_.read(bytes, *compiled.arena_, compiled.plan_.offset[static_cast<size_t>(output)]));
    return queue_.sync();
}

}  // namespace krait::graph
