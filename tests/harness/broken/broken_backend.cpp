// SPDX-License-Identifier: Apache-2.0
//
// The reference backend with a defect, chosen by the option defect=<name>: mistakes that kernels really have. Every kernel is
// the reference's, with its operands changed before or its results after.
#include <map>

#include "backends/common/bind_kernels.hpp"
#include "backends/cpu/reference/kernels.hpp"
#include "core/quant/half.hpp"

namespace krait::reference {
#define KRAIT_OP(id, name, Type, params_size, revision) KRAIT_DECLARE_KERNEL(name, Type, Context)
#include "core/ops/op_list.def"
}  // namespace krait::reference

namespace krait::broken {
namespace {

using plugin::Tensor;
using plugin::host::memory_pool;

class Context final : public plugin::KernelContext {
  public:
    explicit Context(std::string name) : defect(std::move(name)) {}
    bool has(std::string_view name) const { return defect == name; }
    std::string defect;
    uint64_t n_runs = 0;
    std::map<const void*, std::vector<int32_t>> first_ids;  // by where an index operand lies
    std::vector<std::vector<float>> floats;                 // replaced operands, alive during one run
    std::vector<std::vector<int32_t>> ids;

    std::span<int32_t> replace_ids(Tensor& operand) {
        const auto old = operand.index();
        auto& copy = ids.emplace_back(old.begin(), old.end());
        operand.data = copy.data();
        return copy;
    }
};

template <class Named>
std::span<Tensor> operands(Named& named) {
    return {reinterpret_cast<Tensor*>(&named), sizeof(Named) / sizeof(Tensor)};
}

float* result(const Tensor& out) { return static_cast<float*>(out.data); }

// ---- defects that any op may have ---------------------------------------------------------------------------------------

template <class In>
void spoil_operands(In& in, Context& context) {
    if (context.has("ignores_stride")) {
        Tensor& first = operands(in)[0];
        if (first.desc.rank > 1) first.desc.stride[0] = inner_bytes(first.desc);
    }
    if (context.has("keeps_first_indices"))
        for (Tensor& operand : operands(in)) {
            if (!operand || operand.dtype() != DType::I32 || operand.desc.rank == 0) continue;
            const bool has_rows = operand.desc.rank > 1;
            std::vector<int32_t> now;
            for (int64_t r = 0; r < (has_rows ? operand.extent(0) : 1); ++r) {
                const auto* row = has_rows ? operand.row<const int32_t>(r) : operand.elements<const int32_t>();
                now.insert(now.end(), row, row + (has_rows ? operand.inner_count() : element_count(operand.desc)));
            }
            auto& kept = context.first_ids[operand.data];
            if (kept.size() != now.size()) kept = std::move(now);
            operand.data = kept.data();
            if (has_rows) operand.desc.stride[0] = inner_bytes(operand.desc);
        }
}

template <class In>
void spoil_results(const In& in, const Tensor& y, float last_before, Context& context) {
    const int64_t n = element_count(y.desc);
    if (n == 0) return;
    float* out = result(y);
    if (context.has("leaves_the_last")) out[n - 1] = last_before;
    if (context.has("writes_behind")) out[n] = 0;
    if (context.has("copies_behind") && in.has_value()) out[n] = result(*in)[n];
    if (context.has("writes_before")) out[-1] = 0;
    if (context.has("writes_an_input") && in.has_value()) *result(*in) += 1;
    if (context.has("unsteady") && context.n_runs % 2 == 0) out[n / 2] = std::nextafter(out[n / 2], 1e30f);
    if (context.has("slightly_off"))
        for (int64_t i = 0; i < n; ++i) out[i] *= 1.0001f;
    if (context.has("one_wrong_row")) {
        const int64_t row = y.inner_count();
        for (int64_t i = n - row; i < n; ++i) out[i] *= 1.001f;
    }
}

// ---- defects of single ops ----------------------------------------------------------------------------------------------

template <class Op>
void spoil(typename Op::template In<Tensor>&, typename Op::Params&, Context&) {}
template <class Op>
void spoil_after(const typename Op::template In<Tensor>&, const typename Op::template Out<Tensor>&, Context&) {}

template <>
void spoil<ops::SsmConv>(ops::SsmConv::In<Tensor>& in, ops::SsmConvParams&, Context& context) {
    if (context.has("swaps_taps") && in.w.extent(1) > 1) {
        const float* w = in.w.elements<const float>();
        auto& copy = context.floats.emplace_back(w, w + element_count(in.w.desc));
        for (int64_t c = 0; c < in.w.extent(0); ++c)
            std::swap(copy[static_cast<size_t>(c * in.w.extent(1))], copy[static_cast<size_t>(c * in.w.extent(1) + 1)]);
        in.w.data = copy.data();
    }
}

// A short run must shift the old rows of the state.
template <>
void spoil_after<ops::SsmConv>(const ops::SsmConv::In<Tensor>& in, const ops::SsmConv::Out<Tensor>&, Context& context) {
    if (!context.has("forgets_on_short_runs")) return;
    const int64_t keep = in.w.extent(1) - 1, channels = in.x.extent(1);
    for (size_t b = 0; b < in.dst_slot.index().size(); ++b) {
        const int64_t length = in.seq_start.index()[b + 1] - in.seq_start.index()[b];
        const int32_t slot = in.dst_slot.index()[b];
        if (slot >= 0 && length > 0 && length < keep)
            std::fill_n(memory_pool(in.state).slot(slot), (keep - length) * channels, 0.0f);
    }
}

// An expert that is not there: the last one's product.
template <>
void spoil<ops::MulMatExperts>(ops::MulMatExperts::In<Tensor>& in, NoParams&, Context& context) {
    if (!context.has("clamps_experts")) return;
    auto& copy = context.ids.emplace_back();
    for (int64_t t = 0; t < in.ids.extent(0); ++t)
        for (int64_t i = 0; i < in.ids.extent(1); ++i)
            copy.push_back(std::clamp(in.ids.row<const int32_t>(t)[i], 0, static_cast<int32_t>(in.w.extent(0)) - 1));
    in.ids.data = copy.data();
    in.ids.desc.stride[0] = inner_bytes(in.ids.desc);
}

template <>
void spoil<ops::RouteExperts>(ops::RouteExperts::In<Tensor>& in, ops::RouteExpertsParams& params, Context& context) {
    if (context.has("forgets_the_bias")) in.bias = {};
    if (context.has("forgets_the_groups")) params.n_group_used = params.n_group;
}

template <>
void spoil<ops::SsmScan>(ops::SsmScan::In<Tensor>& in, ops::SsmScanParams& params, Context& context) {
    const int64_t n_tok = in.x.extent(0), n_head = in.x.extent(1), n_group = in.B.extent(1), d_state = in.B.extent(2);
    if (context.has("repeats_groups"))
        for (Tensor* operand : {&in.B, &in.C}) {  // head h takes group h % n_group
            auto& copy = context.floats.emplace_back(static_cast<size_t>(n_tok * n_head * d_state));
            for (int64_t t = 0; t < n_tok; ++t)
                for (int64_t h = 0; h < n_head; ++h)
                    std::copy_n(operand->row<const float>(t) + h % n_group * d_state, d_state,
                                copy.begin() + (t * n_head + h) * d_state);
            operand->data = copy.data();
            operand->desc = make_desc(DType::F32, {n_tok, n_head, d_state});
        }
    if (context.has("plain_softplus") && params.dt_softplus) {  // log(1 + exp(x)) in float32
        auto& copy = context.floats.emplace_back(static_cast<size_t>(n_tok * n_head));
        for (int64_t t = 0; t < n_tok; ++t)
            for (int64_t h = 0; h < n_head; ++h) {
                const float d = in.dt.row<const float>(t)[h] + (in.dt_bias ? in.dt_bias.elements<const float>()[h] : 0.0f);
                copy[static_cast<size_t>(t * n_head + h)] = d > 20 ? d : std::log(1.0f + std::exp(d));
            }
        in.dt.data = copy.data();
        in.dt.desc = make_desc(DType::F32, {n_tok, n_head});
        in.dt_bias = {};
        params.dt_softplus = 0;
    }
    if (context.has("reads_slot_0_when_fresh"))
        for (int32_t& slot : context.replace_ids(in.src_slot)) slot = std::max(slot, 0);
    if (context.has("snapshots_late") && in.snapshots) {
        const auto pairs = context.replace_ids(in.snapshots);
        for (size_t s = 0; s + 1 < pairs.size(); s += 2)
            if (pairs[s] >= 0) pairs[s] = std::min(pairs[s] + 1, static_cast<int32_t>(n_tok) - 1);
    }
}

template <>
void spoil_after<ops::SsmScan>(const ops::SsmScan::In<Tensor>& in, const ops::SsmScan::Out<Tensor>& out, Context& context) {
    const auto& pool = memory_pool(in.state);
    if (context.has("spoils_the_source"))
        for (size_t b = 0; b < in.src_slot.index().size(); ++b) {
            const int32_t src = in.src_slot.index()[b];
            if (src >= 0 && src != in.dst_slot.index()[b]) pool.slot(src)[0] += 1;
        }
    if (context.has("leaks_nan"))
        for (int64_t i = 0; i < element_count(out.y.desc); ++i)
            if (std::isnan(result(out.y)[i])) result(out.y)[0] = NAN;
    if (context.has("rounds_the_state"))  // to bfloat16
        for (const int32_t slot : in.dst_slot.index())
            for (int64_t i = 0; slot >= 0 && i < pool.canonical_count(); ++i)
                pool.slot(slot)[i] = bf16_to_f32(f32_to_bf16(pool.slot(slot)[i]));
}

template <>
void spoil<ops::Attention>(ops::Attention::In<Tensor>& in, ops::AttentionParams& params, Context& context) {
    if (context.has("ignores_the_window")) params.window = 0;
    if (context.has("takes_the_first_values")) params.v_column = 0;
    if (context.has("misses_the_last_place"))
        for (int32_t& position : context.replace_ids(in.positions)) position = std::max(position - 1, std::min(position, 0));
    if (context.has("takes_pages_in_order")) {
        const auto table = context.replace_ids(in.page_table);
        for (size_t i = 0; i < table.size(); ++i)
            if (table[i] >= 0) table[i] = static_cast<int32_t>(i) % static_cast<int32_t>(in.cache.extent(0));
    }
}

// A row depends on the others of its run.
template <>
void spoil_after<ops::Attention>(const ops::Attention::In<Tensor>& in, const ops::Attention::Out<Tensor>& out,
                                 Context& context) {
    const int64_t n_tok = in.q.extent(0);
    if (context.has("rounds_otherwise_in_prompts") && n_tok > 1) {
        float& y = *out.y.row<float>(n_tok - 1);
        if (y != 0) y = std::nextafter(y, 1e30f);
    }
}

template <>
void spoil<ops::Rope>(ops::Rope::In<Tensor>& in, ops::RopeParams& params, Context& context) {
    if (context.has("swaps_the_pairings"))
        params.pairing = params.pairing == ops::RopePairing::halves ? ops::RopePairing::adjacent : ops::RopePairing::halves;
    if (context.has("rounds_positions"))  // as 12 bits of mantissa would
        for (int32_t& position : context.replace_ids(in.positions)) position = position > 4096 ? position & ~3 : position;
    if (context.has("ignores_factors")) in.factors = {};
}

template <>
void spoil_after<ops::MulMat>(const ops::MulMat::In<Tensor>& in, const ops::MulMat::Out<Tensor>& out, Context& context) {
    const int64_t n_in = in.x.extent(1), n_out = in.w.extent(0);
    if (!context.has("drops_the_last_term") || n_in == 0) return;
    for (int64_t n = 0; n < n_out; ++n) {
        const float last = reference::read_row(in.w, n).back();
        for (int64_t t = 0; t < in.x.extent(0); ++t) out.y.row<float>(t)[n] -= in.x.row<const float>(t)[n_in - 1] * last;
    }
}

void square_in_float32(const Tensor& x, const Tensor& y, Context& context) {
    if (!context.has("squares_in_float32")) return;
    for (int64_t t = 0; t < x.extent(0); ++t) {
        float sum = 0;
        for (int64_t i = 0; i < x.extent(1); ++i) sum += x.row<const float>(t)[i] * x.row<const float>(t)[i];
        if (std::isinf(sum)) std::fill_n(y.row<float>(t), x.extent(1), 0.0f);
    }
}
template <>
void spoil_after<ops::RmsNorm>(const ops::RmsNorm::In<Tensor>& in, const ops::RmsNorm::Out<Tensor>& out, Context& context) {
    square_in_float32(in.x, out.y, context);
}
template <>
void spoil_after<ops::L2Norm>(const ops::L2Norm::In<Tensor>& in, const ops::L2Norm::Out<Tensor>& out, Context& context) {
    square_in_float32(in.x, out.y, context);
}

// Gelu's.
template <>
void spoil_after<ops::Activate>(const ops::Activate::In<Tensor>& in, const ops::Activate::Out<Tensor>& out, Context& context) {
    if (!context.has("cancels_in_the_tail")) return;
    for (int64_t t = 0; t < in.a.extent(0); ++t)
        for (int64_t i = 0; i < in.a.extent(1); ++i) {
            const float a = in.a.row<const float>(t)[i];
            const float b = in.b ? in.b.row<const float>(t)[i] : 1.0f;
            out.y.row<float>(t)[i] = a * 0.5f * (1.0f + std::erf(a * std::sqrt(0.5f))) * b;
        }
}

template <>
void spoil_after<ops::Argmax>(const ops::Argmax::In<Tensor>& in, const ops::Argmax::Out<Tensor>& out, Context& context) {
    if (!context.has("takes_the_last_of_equals")) return;
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        int32_t& best = out.y.elements<int32_t>()[t];
        for (int32_t i = best; i < in.x.extent(1); ++i)
            if (in.x.row<const float>(t)[i] == in.x.row<const float>(t)[best]) best = i;
    }
}

template <>
void spoil_after<ops::KvWrite>(const ops::KvWrite::In<Tensor>& in, const ops::KvWrite::Out<Tensor>&, Context& context) {
    const auto& pool = memory_pool(in.cache);
    const int64_t width = in.x.extent(1);
    const bool is_half = in.cache.dtype() == DType::F16;
    for (const int32_t row : in.rows.index()) {
        if (row < 0) continue;
        auto* halves = reinterpret_cast<uint16_t*>(pool.row(row));
        auto* words = reinterpret_cast<uint32_t*>(pool.row(row));
        if (context.has("spoils_the_next_row") && row + 1 < pool.n_rows()) *pool.row(row + 1) ^= std::byte{1};
        for (int64_t i = 0; i < width; ++i) {
            if (context.has("flushes_subnormals") && is_half && (halves[i] & 0x7c00u) == 0) halves[i] &= 0x8000u;
            if (context.has("loses_payloads") && in.cache.dtype() == DType::F32 && (words[i] & 0x7fffffffu) > 0x7f800000u)
                words[i] = 0x7fc00000u;
        }
    }
}

template <class Op, plugin::KernelFunction<Op, reference::Context> kReference>
void kernel(const typename Op::template In<Tensor>& given, const typename Op::Params& given_params,
            const typename Op::template Out<Tensor>& given_out, Context& context) {
    auto in = given;
    auto params = given_params;
    auto out = given_out;
    ++context.n_runs;
    std::optional<Tensor> y;
    if constexpr (std::size(Op::kOut) > 0) y = operands(out)[0];
    const int64_t n = y ? element_count(y->desc) : 0;
    const float last_before = n > 0 ? result(*y)[n - 1] : 0;
    spoil_operands(in, context);
    spoil<Op>(in, params, context);
    reference::Context plain;
    kReference(in, params, out, plain);
    std::optional<Tensor> input;
    if (operands(in)[0].role == KRAIT_TENSOR_VALUE && element_count(operands(in)[0].desc) > 0) input = operands(in)[0];
    if (y) spoil_results(input, *y, last_before, context);
    spoil_after<Op>(in, out, context);
    context.floats.clear();
    context.ids.clear();
}

constexpr plugin::OpTable kTable{{
#define KRAIT_OP(id, name, Type, params_size, revision) \
    &plugin::bind_kernel<ops::Type, Context, &kernel<ops::Type, &reference::name>>,
#include "core/ops/op_list.def"
}};

class BrokenDevice final : public plugin::host::Device {
  public:
    explicit BrokenDevice(std::string defect) : Device(kTable), defect_(std::move(defect)) {}
    std::unique_ptr<plugin::KernelContext> create_context() override { return std::make_unique<Context>(defect_); }
    plugin::Decline declines(OpId op, const krait_graph&, const krait_graph_node&) override {
        if (defect_ == "declines" && op == OpId::softmax) return plugin::decline("softmax: too hard for this device");
        return plugin::kSupported;
    }

  private:
    std::string defect_;
};

uint32_t score(std::string&) { return 1; }
uint32_t device_count() { return 1; }
void device_info(uint32_t, krait_device_info& info) {
    info.kind = KRAIT_DEVICE_EMULATED;
    plugin::set_text(info.name, "broken");
    info.memory_total = plugin::host::memory_total();
    info.alignment = plugin::host::kAlignment;
}
std::unique_ptr<plugin::Device> device_open(uint32_t, const plugin::OpenParams& params) {
    const plugin::OptionSpec known[] = {{"defect", "what is wrong"}};
    const plugin::Options options(params.options, known);
    return std::make_unique<BrokenDevice>(std::string(options.text("defect").value_or("none")));
}

constexpr plugin::PluginInfo kInfo{"broken", "", KRAIT_PLUGIN_VERSION, score, device_count, device_info, device_open};

}  // namespace
}  // namespace krait::broken

KRAIT_DEFINE_PLUGIN(krait::broken::kInfo)
