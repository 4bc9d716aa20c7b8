// SPDX-License-Identifier: Apache-2.0
#include "models/quantize/recipe.hpp"

#include <algorithm>
#include <cctype>

namespace krait {
namespace {

struct FormatFacts {
    DType dtype;
    DType smaller_blocks;  // for rows that are no whole number of blocks: the next format that is no worse
    uint32_t file_type;    // GGUF's number for "mostly of this type"
};

constexpr FormatFacts kFacts[] = {
    {DType::F32, DType::F32, 0},      {DType::F16, DType::F16, 1},      {DType::BF16, DType::BF16, 32},
    {DType::Q8_0, DType::F16, 7},     {DType::Q4_0, DType::F16, 2},     {DType::Q4_1, DType::F16, 3},
    {DType::Q5_0, DType::F16, 8},     {DType::Q5_1, DType::F16, 9},     {DType::IQ4_NL, DType::F16, 25},
    {DType::Q2_K, DType::IQ4_NL, 10}, {DType::Q3_K, DType::IQ4_NL, 11}, {DType::IQ4_XS, DType::IQ4_NL, 30},
    {DType::Q4_K, DType::Q5_0, 14},   {DType::Q5_K, DType::Q5_1, 16},   {DType::Q6_K, DType::Q8_0, 18},
};
static_assert(std::size(kFacts) == std::size(kDTypes) - 1);  // every format but the index type

constexpr const FormatFacts& facts_of(DType dtype) {
    return *std::find_if(std::begin(kFacts), std::end(kFacts), [&](const FormatFacts& f) { return f.dtype == dtype; });
}

// Formats that have a mix, and what ssm_out has in it.
constexpr std::pair<DType, DType> kMixes[] = {
    {DType::Q3_K, DType::Q4_K}, {DType::Q4_K, DType::Q5_K}, {DType::Q5_K, DType::Q6_K}};

double bits(DType dtype) { return 8.0 * dtype_info(dtype).block_bytes / dtype_info(dtype).block_elems; }
DType at_least(DType dtype, DType min) { return bits(dtype) < bits(min) ? min : dtype; }

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

}  // namespace

std::string weight_format_names() {
    std::string names;
    for (const DTypeInfo& info : kDTypes)
        if (info.is_weight_format) names += fmt::format("{}{}", names.empty() ? "" : ", ", info.name);
    return names;
}

Result<DType> parse_weight_format(std::string_view name) {
    const auto dtype = parse_dtype(name);
    if (dtype && dtype_info(*dtype).is_weight_format) return *dtype;
    return fail(ErrorCode::invalid_argument, "there is no type '{}'; there are {}", name, weight_format_names());
}

Result<QuantizeScheme> parse_quantize_type(std::string_view name) {
    const std::string text = upper(name);
    for (const auto& [body, out] : kMixes) {
        if (text == fmt::format("{}_M", dtype_name(body))) return QuantizeScheme{.body = body, .out = out};
        if (text == fmt::format("{}_S", dtype_name(body))) return QuantizeScheme{.body = body};
    }
    auto body = parse_weight_format(name);
    if (!body) return fail(body.error().code, "{}; and the mixes Q3_K_M, Q4_K_M, Q5_K_M", body.error().message);
    return QuantizeScheme{.body = *body};
}

Result<QuantizeScheme> parse_quantize_scheme(std::string_view type, std::string_view head, bool pure) {
    KRAIT_TRY(QuantizeScheme scheme, parse_quantize_type(type));
    if (pure && scheme.out)
        return fail(ErrorCode::invalid_argument,
                    "{} is a mix of {} and {}, and --pure wants one type for all matrices: ask for {}, or leave --pure out",
                    upper(type), dtype_name(scheme.body), dtype_name(*scheme.out), dtype_name(scheme.body));
    scheme.pure = pure;
    if (!head.empty()) {
        KRAIT_TRY(scheme.head, parse_weight_format(head));
    }
    return scheme;
}

std::string_view tensor_kind(std::string_view name) {
    for (const std::string_view prefix : {"blk.", "shared."})
        if (name.starts_with(prefix)) {
            const size_t dot = name.find('.', prefix.size());
            return dot == std::string_view::npos ? name : name.substr(dot + 1);
        }
    return name;
}

bool is_weight_matrix(std::string_view kind, size_t rank) {
    if (rank == 3) return kind.ends_with("_exps.weight");  // the matrices of all experts
    // Convolutions are matrices by their shape only: three or four numbers a channel, read in F32 by every kernel. A router is
    // small, and what it gets wrong sends a row to another expert.
    constexpr std::string_view kSmall[] = {"ssm_conv1d.weight", "shortconv.conv.weight", "ffn_gate_inp.weight"};
    return rank == 2 && kind.ends_with(".weight") && kind.find("norm") == std::string_view::npos &&
           std::ranges::find(kSmall, kind) == std::end(kSmall);
}

DType format_for_rows(DType wanted, int64_t width) {
    while (width % dtype_info(wanted).block_elems != 0) wanted = facts_of(wanted).smaller_blocks;
    return wanted;
}

void FileType::add(std::string_view name, const TensorDesc& desc) {
    const std::string_view kind = tensor_kind(name);
    const DType dtype = dtype_of(desc);
    if (!is_weight_matrix(kind, desc.rank) || !dtype_info(dtype).is_weight_format) return;
    n_weight_[dtype] += element_count(desc);
    if (kind != "ssm_out.weight") return;
    has_several_outs_ = has_several_outs_ || (out_ && *out_ != dtype);
    out_ = dtype;
}

uint32_t FileType::number() const {
    const auto most_common =
        std::max_element(n_weight_.begin(), n_weight_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most_common == n_weight_.end()) return facts_of(DType::F32).file_type;
    const uint32_t number = facts_of(most_common->first).file_type;
    for (const auto& [body, out] : kMixes)
        if (body == most_common->first && out_ == out && !has_several_outs_) return number + 1;  // S and M are neighbours
    return number;
}

// Before the row's length is looked at.
FormatChoice QuantizeRecipe::wanted(std::string_view kind, size_t rank) const {
    if (!is_weight_matrix(kind, rank)) return {DType::F32, "small, and every value meets it"};
    const bool is_head = kind == "output.weight" || (kind == "token_embd.weight" && tied_head_);
    if (is_head && scheme_.head) return {*scheme_.head, "head, asked for"};
    if (scheme_.pure) return {scheme_.body, "asked for"};
    if (is_head) {
        const DType dtype = at_least(scheme_.body, DType::Q6_K);
        return {dtype, dtype == scheme_.body ? "asked for" : "head: an error here is one of the logits"};
    }
    if (kind == "ssm_x.weight" || kind == "ssm_dt.weight") {
        const DType dtype = at_least(scheme_.body, DType::Q8_0);
        return {dtype, dtype == scheme_.body ? "asked for" : "makes dt, B and C, whose errors stay in the state"};
    }
    if (kind.find("_lora_") != std::string_view::npos) {
        const DType dtype = at_least(scheme_.body, DType::Q8_0);
        return {dtype,
                dtype == scheme_.body ? "asked for" : "few weights, and all that tells the uses of a shared block apart"};
    }
    if (kind == "ssm_out.weight" && scheme_.out) return {*scheme_.out, "asked for by the mix: twice as sensitive as ssm_in"};
    return {scheme_.body, "asked for"};
}

FormatChoice QuantizeRecipe::choose(std::string_view name, std::span<const int64_t> extents) const {
    FormatChoice choice = wanted(tensor_kind(name), extents.size());
    const int64_t width = extents.empty() ? 1 : extents.back();
    if (const DType fitting = format_for_rows(choice.dtype, width); fitting != choice.dtype) {
        choice.why = fmt::format("rows of {} are no whole blocks of {}", width, dtype_name(choice.dtype));
        choice.dtype = fitting;
        choice.fell_back = true;
    }
    return choice;
}

}  // namespace krait
