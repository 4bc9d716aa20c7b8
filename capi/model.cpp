// SPDX-License-Identifier: Apache-2.0
//
// include/krait/model.h: loading, and the facts of a model.
#include "capi/api.hpp"
#include "formats/open_model.hpp"
#include "models/demo/demo_model.hpp"
#include "models/explain.hpp"
#include "models/model_work.hpp"
#include "models/quantize/quantized_source.hpp"

using namespace krait;
using namespace krait::capi;

namespace {

Result<PlacementOptions> placement_of(const krait_model_options& given) {
    PlacementTexts texts;
    if (given.layers) texts.layers = given.layers;
    if (given.split) texts.split = given.split;
    const auto copy = [](const char* const* from, size_t n, const char* name, std::vector<std::string>& to) -> Result<void> {
        if (n > 0) KRAIT_CHECK(expect_given(from, name));
        for (size_t i = 0; i < n; ++i) {
            KRAIT_CHECK(expect_given(from[i], name));
            to.emplace_back(from[i]);
        }
        return {};
    };
    KRAIT_CHECK(copy(given.place, given.n_place, "place", texts.place));
    KRAIT_CHECK(copy(given.max_memory, given.n_max_memory, "max_memory", texts.max_memory));
    return texts.parse();
}

Result<std::unique_ptr<ModelSource>> open_source(const char* path, const krait_model_options& given) {
    const OpenOptions options{given.no_mmap != 0 ? FileAccess::read : FileAccess::mapped,
                              given.tokenizer ? given.tokenizer : ""};
    KRAIT_TRY(std::unique_ptr<ModelSource> source,
              path ? open_model(path, options) : open_model(demo_model_bytes(), kDemoModelName, options));
    if (!given.type) return source;
    KRAIT_TRY(const QuantizeScheme scheme, parse_quantize_type(given.type));
    return quantize_source(std::move(source), {.scheme = scheme});
}

Result<DType> cache_type_of(std::string_view name) {
    const std::optional<DType> dtype = parse_dtype(name);
    if (dtype == DType::F16 || dtype == DType::F32 || dtype == DType::Q8_0) return *dtype;
    return fail(ErrorCode::invalid_argument, "cache_type is {}; f16, f32 and q8_0 exist", quote_name(name));
}

Result<void> load_options(const krait_model_options& given, LoadOptions& load) {
    if (given.device) load.device = given.device;
    KRAIT_TRY(load.placement, placement_of(given));
    if (given.cache_type) {
        KRAIT_TRY(load.cache, cache_type_of(given.cache_type));
    }
    if (given.executor) {
        KRAIT_TRY(const krait_executor executor, complete(given.executor, krait_executor KRAIT_EXECUTOR_INIT));
        load.executor = {executor.context, executor.n_threads, executor.parallel};
    }
    if (given.progress)
        load.progress = [&given](uint64_t done, uint64_t total) { return given.progress(given.user, done, total) == 0; };
    return {};
}

const ModelShape* shape_of(const krait_model* model) {
    const Architecture* architecture = model ? model->architecture() : nullptr;
    return architecture ? &architecture->shape() : nullptr;
}

const Model* loaded(const krait_model* model) { return model ? model->loaded.get() : nullptr; }

}  // namespace

krait_code krait_model_load(const char* path, const krait_model_options* options, krait_model** out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_TRY(const krait_model_options given, complete(options, krait_model_options KRAIT_MODEL_OPTIONS_INIT));
        LoadOptions load;
        KRAIT_CHECK(load_options(given, load));
        KRAIT_TRY(std::unique_ptr<ModelSource> source, open_source(path, given));
        auto model = std::make_unique<krait_model>();
        if (given.no_weights != 0) {
            GgufVocabulary vocabulary = read_vocabulary(*source, load.progress);
            if (!vocabulary.tokenizer && vocabulary.tokenizer.error().code == ErrorCode::cancelled)
                return tl::unexpected<Error>(std::move(vocabulary.tokenizer).error());
            Result<Architecture> architecture = create_architecture(*source);
            model->contents = std::make_unique<const FileContents>(
                FileContents{std::move(source), std::move(vocabulary), std::move(architecture)});
        } else {
            KRAIT_TRY(model->loaded, Model::load(std::move(source), load));
            model->device = model->loaded->device_names();
            model->hardware = model->loaded->hardware();
        }
        *out = model.release();
        return {};
    });
}

void krait_model_free(krait_model* model) { delete model; }

krait_code krait_model_check(const krait_model* model, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        if (model->loaded || model->contents->architecture) return {};
        return tl::unexpected<Error>(model->contents->architecture.error());
    });
}

const char* krait_model_name(const krait_model* model) { return model ? model->source().name().c_str() : nullptr; }

const char* krait_model_architecture(const krait_model* model) {
    const ModelShape* shape = shape_of(model);
    return shape ? shape->architecture.c_str() : nullptr;
}

const char* krait_model_device(const krait_model* model) { return loaded(model) ? model->device.c_str() : nullptr; }
const char* krait_model_hardware(const krait_model* model) { return loaded(model) ? model->hardware.c_str() : nullptr; }

int64_t krait_model_n_vocab(const krait_model* model) {
    const ModelShape* shape = shape_of(model);
    return shape ? shape->n_vocab : 0;
}

int64_t krait_model_n_token(const krait_model* model) {
    if (const Model* m = loaded(model)) return m->n_token();
    const int64_t n_row = krait_model_n_vocab(model);
    const auto n_token = model ? static_cast<int64_t>(model->contents->vocabulary.n_token) : 0;
    return n_token == 0 ? n_row : std::min(n_token, n_row);
}

int64_t krait_model_n_layer(const krait_model* model) {
    const ModelShape* shape = shape_of(model);
    return shape ? shape->n_layer : 0;
}

int64_t krait_model_d_model(const krait_model* model) {
    const ModelShape* shape = shape_of(model);
    return shape ? shape->d_model : 0;
}

int krait_model_is_tied(const krait_model* model) {
    const ModelShape* shape = shape_of(model);
    return shape && shape->tied_head ? 1 : 0;
}

uint64_t krait_model_state_bytes(const krait_model* model) {
    const Architecture* architecture = model ? model->architecture() : nullptr;
    return architecture ? static_cast<uint64_t>(architecture->state_bytes()) : 0;
}

uint64_t krait_model_token_bytes(const krait_model* model) {
    const Architecture* architecture = model ? model->architecture() : nullptr;
    return architecture ? static_cast<uint64_t>(architecture->token_bytes()) : 0;
}

uint64_t krait_model_weight_bytes(const krait_model* model) {
    return loaded(model) ? loaded(model)->weights().file_bytes() : 0;
}
uint64_t krait_model_device_bytes(const krait_model* model) {
    return loaded(model) ? loaded(model)->weights().device_bytes() : 0;
}

uint64_t krait_model_hash(const krait_model* model) { return loaded(model) ? loaded(model)->hash() : 0; }

int krait_model_has_top_k(const krait_model* model) {
    return loaded(model) && loaded(model)->placement().supports_top_k() ? 1 : 0;
}

int32_t krait_model_chain_length(const krait_model* model) { return loaded(model) ? loaded(model)->chain_length() : 0; }

krait_code krait_model_size(const krait_model* model, size_t index, const char** name, size_t* name_size, int64_t* value,
                            krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(model, "model"));
        KRAIT_CHECK(expect_given(name, "name"));
        KRAIT_CHECK(expect_given(name_size, "name_size"));
        KRAIT_CHECK(expect_given(value, "value"));
        const Architecture* architecture = model->architecture();
        const auto sizes = architecture ? architecture->sizes() : std::span<const NamedSize>();
        if (index >= sizes.size())
            return fail(ErrorCode::not_found, "there is no size {}: the model has {} of its own", index, sizes.size());
        *name = sizes[index].name.data();
        *name_size = sizes[index].name.size();
        *value = sizes[index].value;
        return {};
    });
}

krait_code krait_model_device_at(const krait_model* model, size_t index, krait_model_device_info* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_TRY(const Model* loaded, expect_loaded(model));
        const auto& devices = loaded->devices();
        if (index >= devices.size())
            return fail(ErrorCode::not_found, "there is no device {}: the model has {}", index, devices.size());
        const Device& device = *devices[index];
        krait_model_device_info found KRAIT_MODEL_DEVICE_INFO_INIT;
        found.name = device.name().c_str();
        found.family = device.api().family;
        found.variant = device.api().variant ? device.api().variant : "";
        found.product = device.info().name;
        found.features = device.info().features;
        found.is_processor = device.info().kind == KRAIT_DEVICE_CPU ? 1 : 0;
        return fill(out, found);
    });
}

krait_code krait_model_work(const krait_model* model, krait_work* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_TRY(const Model* loaded, expect_loaded(model));
        KRAIT_TRY(const ModelWork work, ModelWork::of(*loaded));
        krait_work found KRAIT_WORK_INIT;
        found.weight_bytes = work.weight_bytes;
        found.head_bytes = work.head_bytes;
        found.embedding_row_bytes = work.embedding_row_bytes;
        found.layer_weights = work.layer_weights;
        found.head_weights = work.head_weights;
        found.type = dtype_name(work.widest);
        return fill(out, found);
    });
}

krait_code krait_model_explain(const krait_model* model, int32_t n_row, krait_explain_form form, char* text, size_t capacity,
                               size_t* size, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_TRY(const Model* loaded, expect_loaded(model));
        KRAIT_CHECK(expect_given(size, "size"));
        if (n_row < 1) return fail(ErrorCode::invalid_argument, "runs of {} tokens: at least 1", n_row);
        const uint32_t number = number_of(form);
        if (number > KRAIT_EXPLAIN_DOT)
            return fail(ErrorCode::invalid_argument, "form is {}; 0 and 1 exist", static_cast<int32_t>(number));
        KRAIT_TRY(const std::string explained, explain(*loaded, {.n_tok = n_row, .n_seq = 1, .n_out = 1},
                                                       number == KRAIT_EXPLAIN_DOT ? ExplainForm::dot : ExplainForm::table));
        return give(std::span<const char>(explained), text, capacity, size);
    });
}

const char* krait_model_warning(const krait_model* model, size_t index) {
    return model && index < model->warnings().size() ? model->warnings()[index].c_str() : nullptr;
}
