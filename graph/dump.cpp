// SPDX-License-Identifier: Apache-2.0
#include "graph/dump.hpp"

#include "core/ops/op_list.hpp"

#include <fmt/format.h>
#include <iterator>

namespace krait::graph {
namespace {

std::string dot_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

const char* dot_style(TensorRole role) {
    switch (role) {
        case TensorRole::input: return "shape=invhouse";
        case TensorRole::output: return "shape=house";
        case TensorRole::constant: return "shape=box,style=filled,fillcolor=lightgrey";
        case TensorRole::memory: return "shape=cylinder";
        default: return nullptr;  // drawn as an edge from the node that writes it
    }
}

}  // namespace

std::string to_text(const Graph& graph, const MemoryPlan* plan) {
    std::string text;
    auto out = std::back_inserter(text);
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
        const Node& node = graph.nodes[n];
        const OpSpec& spec = op_spec(node.op);
        fmt::format_to(out, "{:4} {} {}(", n, node.name, spec.name);
        const char* comma = "";
        for (size_t i = 0; i < spec.inputs.size(); ++i) {
            if (node.in[i] == kNoTensor) continue;
            fmt::format_to(out, "{}{}={}", comma, spec.inputs[i].name, graph[node.in[i]].name);
            comma = ", ";
        }
        fmt::format_to(out, ") ->");
        for (size_t i = 0; i < spec.outputs.size(); ++i) {
            fmt::format_to(out, " {}", to_string(graph[node.out[i]].desc));
            if (plan) fmt::format_to(out, " @{}", plan->offset[static_cast<size_t>(node.out[i])]);
        }
        text += '\n';
    }
    if (plan)
        fmt::format_to(out, "memory: {} bytes at the peak, {} if nothing shared, {} alive at once\n", plan->peak_bytes,
                       plan->naive_bytes, plan->largest_live_bytes);
    return text;
}

std::string to_dot(const Graph& graph) {
    std::string text = "digraph krait {\n  rankdir=TB;\n  node [fontname=\"monospace\"];\n";
    auto out = std::back_inserter(text);
    std::vector<std::string> writer(graph.tensors.size());  // dot id of what produces the tensor
    for (size_t i = 0; i < graph.tensors.size(); ++i) {
        const Tensor& tensor = graph.tensors[i];
        const char* style = dot_style(tensor.role);
        if (!style) continue;
        writer[i] = fmt::format("t{}", i);
        fmt::format_to(out, "  t{} [{},label={}];\n", i, style,
                       dot_string(fmt::format("{}\n{}", tensor.name, to_string(tensor.desc))));
    }
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
        const Node& node = graph.nodes[n];
        const OpSpec& spec = op_spec(node.op);
        fmt::format_to(out, "  n{} [shape=box,style=rounded,label={}];\n", n,
                       dot_string(fmt::format("{}\n{}", node.name, spec.name)));
        for (size_t i = 0; i < spec.inputs.size(); ++i) {
            if (node.in[i] == kNoTensor) continue;
            const std::string& from = writer[static_cast<size_t>(graph.memory_of(node.in[i]))];
            fmt::format_to(out, "  {} -> n{} [label={}];\n", from, n, dot_string(spec.inputs[i].name));
        }
        for (size_t i = 0; i < spec.outputs.size(); ++i) {
            const auto id = static_cast<size_t>(node.out[i]);
            if (graph.tensors[id].role == TensorRole::output) fmt::format_to(out, "  n{} -> t{};\n", n, id);
            writer[id] = fmt::format("n{}", n);
        }
    }
    return text + "}\n";
}

}  // namespace krait::graph
