// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <nlohmann/json.hpp>

#include "bench/ceilings_json.hpp"
#include "bench/profile_json.hpp"
#include "bench/report_text.hpp"

namespace krait::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

Json machine_json(const Machine& machine) {
    return {{"cpu", machine.cpu},
            {"features", machine.features},
            {"processors", machine.processors},
            {"memory_bytes", machine.memory_bytes},
            {"cache_bytes", machine.cache_bytes},
            {"os", machine.os}};
}

// 0 where the architecture has no such size.
int64_t size_of(const api::Model& model, std::string_view name) {
    for (const api::Size& size : model.sizes())
        if (size.name == name) return size.value;
    return 0;
}

Json model_json(const Report& report) {
    const api::Model& model = report.result.model;
    Json types = Json::object();
    for (const auto& [type, share] : types_of(model))
        types[type] = {{"tensors", share.tensors}, {"weights", share.weights}, {"bytes", share.bytes}};
    const ModelWork& work = report.result.work;
    return {{"file", std::filesystem::path(model.name()).filename().string()},
            {"bytes", model.file_bytes()},
            {"hash", fmt::format("{:016x}", model.hash())},
            {"architecture", model.architecture()},
            {"n_layer", model.n_layer()},
            {"d_model", model.d_model()},
            {"d_inner", size_of(model, "d_inner")},
            {"d_state", size_of(model, "d_state")},
            {"n_vocab", model.n_vocab()},
            {"types", types},
            {"decode_weight_bytes", static_cast<double>(work.work.weight_bytes)},
            {"state_bytes", static_cast<double>(work.state_bytes)},
            {"layer_weights", static_cast<double>(work.work.layer_weights)},
            {"head_weights", static_cast<double>(work.work.head_weights)}};
}

Json number_json(const Peak& peak) { return {{"number", number_name(peak.number)}, {"unit", peak.unit}}; }

Json series_json(const Series& series, const Report& report) {
    const Rates rates = rates_of(series, report);
    Json json{{"test", series.is_prompt ? "prompt" : "decode"},
              {"n_tok", series.n_tok},
              {"n_seq", series.n_seq},
              {"chain", series.chain},
              {"depth", series.depth},
              {"tokens_per_second",
               {{"median", rates.tokens_per_second.median},
                {"min", rates.tokens_per_second.min},
                {"max", rates.tokens_per_second.max}}},
              {"step_seconds", rates.step_seconds},
              {"gb_per_second", rates.bytes_per_second * 1e-9},
              {"gflop_per_second", rates.operations_per_second * 1e-9}};
    if (rates.share_of_read) json["share_of_read"] = *rates.share_of_read;
    if (rates.share_of_peak) json["share_of_peak"] = *rates.share_of_peak;
    json["seconds"] = series.seconds;
    if (series.profile) json["profile"] = profile_json(*series.profile);
    return json;
}

}  // namespace

Json ceilings_json(const Ceilings& ceilings) {
    Json peaks = Json::array();
    for (const Peak& peak : ceilings.peaks) {
        peaks.push_back(number_json(peak));
        peaks.back()["gflop_per_second"] = peak.operations_per_second * 1e-9;
    }
    return {{"threads", ceilings.n_threads},
            {"read_gb_per_second", ceilings.read_bytes_per_second * 1e-9},
            {"read_buffer_bytes", ceilings.buffer_bytes},
            {"peaks", peaks}};
}

std::string as_json(const Report& report) {
    const BenchResult& result = report.result;
    Json json{{"schema", kSchema},
              {"krait", report.version},
              {"build", build_text()},
              {"date", report.date},
              {"machine", machine_json(report.machine)},
              {"device",
               {{"asked_for", report.device},
                {"name", device_name(report)},
                {"what", result.model.hardware()},
                {"features", result.model.devices().front().features},
                {"threads", report.n_threads}}},
              {"model", model_json(report)},
              {"settings",
               {{"repetitions", report.plan.repetitions},
                {"warm_up", report.plan.warm_up},
                {"chunk", report.plan.chunk},
                {"seed", report.plan.seed}}}};
    if (report.ceilings) {
        json["ceilings"] = ceilings_json(*report.ceilings);
        json["ceilings"]["peak_of_this_model"] = number_json(peak_for(*report.ceilings, result.work.widest));
    }
    json["load"] = {{"seconds", result.load.load}, {"first_token_seconds", result.load.first_token}};
    if (result.load.read_once) json["load"]["read_once_seconds"] = *result.load.read_once;
    json["peak_memory_bytes"] = result.peak_memory;
    json["peak_memory_to_file"] = memory_ratio(result);
    json["results"] = Json::array();
    for (const Series& series : result.series) json["results"].push_back(series_json(series, report));
    // Names come from files and may be no UTF-8.
    return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace krait::bench
