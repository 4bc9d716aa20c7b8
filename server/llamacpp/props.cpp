// SPDX-License-Identifier: Apache-2.0
//
// /props: the settings of the server, and what its model is.
#include "server/llamacpp/endpoints.hpp"

namespace krait::server::llamacpp {
namespace {

void props(Context& context, const ExchangePtr& exchange) {
    const ServedModel& served = context.model;
    const krait_sampler_options sampler = KRAIT_SAMPLER_OPTIONS_INIT;
    send_json(*exchange, {{"model_path", served.model().name()},
                          {"model_alias", served.name()},
                          {"total_slots", served.max_sequences()},
                          {"chat_template_origin", served.template_origin()},
                          {"default_generation_settings",
                           {{"params",
                             {{"temperature", sampler.temperature},
                              {"top_k", sampler.top_k},
                              {"top_p", sampler.top_p},
                              {"min_p", sampler.min_p},
                              {"repeat_penalty", sampler.repetition_penalty},
                              {"repeat_last_n", sampler.repetition_window},
                              {"max_tokens", context.max_answer_tokens}}}}},
                          {"device", served.model().device()},
                          {"hardware", served.model().hardware()},
                          {"architecture", served.model().architecture()},
                          {"build_info", "krait " + std::string(api::version())}});
}

}  // namespace

void add_props(Router& router) { router.add("GET", "/props", props); }

}  // namespace krait::server::llamacpp
