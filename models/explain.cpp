// SPDX-License-Identifier: Apache-2.0
#include "models/explain.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <iterator>
#include <set>

#include "core/base/format_bytes.hpp"
#include "graph/compile_plan.hpp"

namespace krait {
namespace {

using graph::kNoTensor;

// A run of a shape on its devices, without memory of its own.
struct Picture {
    const Model& model;
    RunShape shape;
    graph::Graph graph;
    std::vector<int32_t> device;  // by node
    graph::CompilePlan plan;

    const std::string& label(int32_t d) const { return model.placement().labels()[static_cast<size_t>(d)]; }
    const std::string& label_of_subgraph(uint32_t subgraph) const { return label(plan.partitioned.subgraphs[subgraph].device); }

    uint64_t weight_bytes(const graph::Node& node) const {
        uint64_t bytes = 0;
        for (const graph::TensorId id : node.in)
            if (id != kNoTensor && graph[id].role == graph::TensorRole::constant)
                bytes += static_cast<uint64_t>(span_bytes(graph[id].desc));
        return bytes;
    }
    // The copies that the segment of a node has to wait for, listed at the node that reads them first.
    std::string copies_in(const graph::Node& node, int32_t d, std::vector<bool>& told) const {
        std::string text;
        for (const graph::TensorId id : node.in) {
            if (id == kNoTensor) continue;
            for (size_t c = 0; c < plan.partitioned.copies.size(); ++c) {
                const graph::Copy& copy = plan.partitioned.copies[c];
                if (told[c] || copy.tensor != graph.memory_of(id) || plan.partitioned.subgraphs[copy.to].device != d) continue;
                told[c] = true;
                text += fmt::format("{}{} from {} ({})", text.empty() ? "" : ", ", graph[copy.tensor].name,
                                    label_of_subgraph(copy.from), format_bytes(copy.bytes));
            }
        }
        return text;
    }
};

Result<Picture> draw(const Model& model, const RunShape& shape) {
    Picture picture{model, shape, {}, {}, {}};
    KRAIT_TRY(picture.graph, build_forward(model.architecture(), model.weights().descs(),
                                           {.n_slots = std::max<int64_t>(shape.n_seq, 1)}, shape));
    KRAIT_TRY(picture.device, model.placement().devices_of(picture.graph));
    std::vector<uint64_t> alignments;
    for (const auto& device : model.devices()) alignments.push_back(graph::arena_alignment(*device));
    picture.plan = graph::plan_graph(picture.graph, picture.device, alignments);
    return picture;
}

// One line for each device: what it runs, and how much memory that takes.
void add_devices(std::string& text, const Picture& picture) {
    auto out = std::back_inserter(text);
    size_t width = 6;
    for (const std::string& label : picture.model.placement().labels()) width = std::max(width, label.size());
    fmt::format_to(out, "{:<{}} {:>6} {:>8} {:>10} {:>10} {:>10} {:>10}\n", "DEVICE", width, "NODES", "SEGMENTS", "WEIGHTS",
                   "VALUES", "AT ONCE", "UNSHARED");
    for (size_t d = 0; d < picture.model.devices().size(); ++d) {
        const auto index = static_cast<int32_t>(d);
        const auto subgraph = std::find_if(picture.plan.partitioned.subgraphs.begin(), picture.plan.partitioned.subgraphs.end(),
                                           [&](const graph::Subgraph& s) { return s.device == index; });
        if (subgraph == picture.plan.partitioned.subgraphs.end()) {
            fmt::format_to(out, "{:<{}} {:>6}\n", picture.label(index), width, "unused");
            continue;
        }
        const graph::MemoryPlan& plan =
            picture.plan.memory[static_cast<size_t>(subgraph - picture.plan.partitioned.subgraphs.begin())];
        const auto n_segments = std::count_if(picture.plan.segments.begin(), picture.plan.segments.end(),
                                              [&](const graph::DeviceSegment& segment) { return segment.device == index; });
        fmt::format_to(out, "{:<{}} {:>6} {:>8} {:>10} {:>10} {:>10} {:>10}\n", picture.label(index), width,
                       subgraph->graph.nodes.size(), n_segments, format_bytes(picture.model.weights().bytes_by_device()[d]),
                       format_bytes(plan.peak_bytes), format_bytes(plan.largest_live_bytes), format_bytes(plan.naive_bytes));
    }
    uint64_t copied = 0;
    for (const graph::Copy& copy : picture.plan.partitioned.copies) copied += copy.bytes;
    const size_t n_copies = picture.plan.partitioned.copies.size();
    fmt::format_to(out, "{} segment{}, {} cop{} between devices{}\n", picture.plan.segments.size(),
                   picture.plan.segments.size() == 1 ? "" : "s", n_copies, n_copies == 1 ? "y" : "ies",
                   n_copies > 0 ? fmt::format(": {} a run", format_bytes(copied)) : std::string());
}

// One line for each node, in running order.
void add_nodes(std::string& text, const Picture& picture) {
    auto out = std::back_inserter(text);
    size_t name_width = 4, device_width = 6;
    for (const graph::Node& node : picture.graph.nodes) name_width = std::max(name_width, node.name.size());
    for (const std::string& label : picture.model.placement().labels()) device_width = std::max(device_width, label.size());
    fmt::format_to(out, "{:>7} {:<{}} {:<9} {:<{}} {:>10}  {}\n", "SEGMENT", "NODE", name_width, "OP", "DEVICE", device_width,
                   "WEIGHTS", "WHY");
    std::vector<bool> told(picture.plan.partitioned.copies.size(), false);
    for (size_t p = 0; p < picture.plan.segments.size(); ++p)
        for (const uint32_t n : picture.plan.segments[p].nodes) {
            const graph::Node& node = picture.graph.nodes[n];
            const std::string copies = picture.copies_in(node, picture.device[n], told);
            const uint64_t bytes = picture.weight_bytes(node);
            fmt::format_to(out, "{:>7} {:<{}} {:<9} {:<{}} {:>10}  {}{}{}\n", p + 1, node.name, name_width, op_name(node.op),
                           picture.label(picture.device[n]), device_width, bytes > 0 ? format_bytes(bytes) : "-",
                           picture.model.placement().why(node.name), copies.empty() ? "" : "; reads ", copies);
        }
}

// Devices first: there are many nodes.
std::string as_table(const Picture& picture) {
    std::string text = fmt::format("{} on {} ({})\na run of {} token{} in {} sequence{}; {}\n\n", picture.model.source().name(),
                                   picture.model.device_names(), picture.model.hardware(), picture.shape.n_tok,
                                   picture.shape.n_tok == 1 ? "" : "s", picture.shape.n_seq,
                                   picture.shape.n_seq == 1 ? "" : "s", picture.model.placement().summary());
    add_devices(text, picture);
    text += '\n';
    add_nodes(text, picture);
    return text;
}

std::string dot_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        if (c == '\n') quoted += "\\n";
        else quoted += c;
    }
    return quoted + "\"";
}

// A box for each segment, coloured by device; copies between devices are thick edges with their bytes, dependencies inside one
// thin edges.
std::string as_dot(const Picture& picture) {
    constexpr const char* kColors[] = {"#dceaf7", "#fbe5d6", "#e2f0d9", "#fff2cc", "#e4dfec", "#dddddd"};
    std::string text =
        "digraph krait {\n  rankdir=TB;\n  node [fontname=\"Helvetica\",fontsize=11,shape=box,style=\"rounded,filled\","
        "fillcolor=white];\n  edge [fontname=\"Helvetica\",fontsize=10];\n";
    auto out = std::back_inserter(text);
    std::vector<int64_t> writer(picture.graph.tensors.size(), -1);
    for (size_t p = 0; p < picture.plan.segments.size(); ++p) {
        const graph::DeviceSegment& segment = picture.plan.segments[p];
        fmt::format_to(out, "  subgraph cluster_{} {{\n    label={};\n    style=filled;\n    color={};\n", p,
                       dot_string(fmt::format("segment {} on {}", p + 1, picture.label(segment.device))),
                       dot_string(kColors[static_cast<size_t>(segment.device) % std::size(kColors)]));
        for (const uint32_t n : segment.nodes) {
            const graph::Node& node = picture.graph.nodes[n];
            const uint64_t bytes = picture.weight_bytes(node);
            fmt::format_to(out, "    n{} [label={},tooltip={}];\n", n,
                           dot_string(fmt::format("{}\n{}{}", node.name, op_name(node.op),
                                                  bytes > 0 ? fmt::format(", {} bytes", bytes) : std::string())),
                           dot_string(picture.model.placement().why(node.name)));
            for (const graph::TensorId id : node.out)
                if (id != kNoTensor) writer[static_cast<size_t>(id)] = n;
        }
        text += "  }\n";
    }
    std::set<std::pair<graph::TensorId, int32_t>> crossed;
    for (size_t n = 0; n < picture.graph.nodes.size(); ++n) {
        std::vector<graph::TensorId> seen;
        for (const graph::TensorId id : picture.graph.nodes[n].in) {
            if (id == kNoTensor) continue;
            const graph::TensorId base = picture.graph.memory_of(id);
            const int64_t from = writer[static_cast<size_t>(base)];
            if (from < 0 || std::find(seen.begin(), seen.end(), base) != seen.end()) continue;
            seen.push_back(base);
            const int32_t to = picture.device[n];
            std::string style;
            if (picture.device[static_cast<size_t>(from)] != to)
                style = crossed.insert({base, to}).second ? fmt::format(" [penwidth=3,color=\"#c00000\",label=\"{} bytes\"]",
                                                                        span_bytes(picture.graph[base].desc))
                                                          : std::string(" [color=\"#c00000\"]");
            fmt::format_to(out, "  n{} -> n{}{};\n", from, n, style);
        }
    }
    return text + "}\n";
}

}  // namespace

Result<std::string> explain(const Model& model, const RunShape& shape, ExplainForm form) {
    KRAIT_TRY(const Picture picture, draw(model, shape));
    return form == ExplainForm::dot ? as_dot(picture) : as_table(picture);
}

}  // namespace krait
