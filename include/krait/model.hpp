// SPDX-License-Identifier: Apache-2.0
//
// Devices, models and their text (device.h, model.h, text.h, metadata.h, perplexity.h).
#pragma once

#include <krait/device.h>
#include <krait/metadata.h>
#include <krait/perplexity.h>
#include <krait/text.h>
#include <krait/result.hpp>

namespace krait::api {

inline Status add_backend_folder(const std::string& path) {
    return detail::call([&](krait_failure* f) { return krait_backend_folder_add(path.c_str(), f); }, [] { return Done{}; });
}

struct Device {
    std::string name, product, features;
    std::string error;  // why it cannot be used; empty where it can
    uint64_t memory_total = 0, memory_free = 0;
    bool is_auto = false;
};
inline Result<std::vector<Device>> devices() {
    krait_device_list* list = nullptr;
    auto made = detail::call([&](krait_failure* f) { return krait_device_list_create(&list, f); }, [] { return Done{}; });
    if (!made) return made.failure();
    const detail::Owner<krait_device_list, krait_device_list_free> owner(list);
    const auto text = [](const char* given) { return std::string(given ? given : ""); };
    std::vector<Device> all;
    for (size_t i = 0; i < krait_device_list_size(list); ++i)
        all.push_back({text(krait_device_name(list, i)), text(krait_device_product(list, i)),
                       text(krait_device_features(list, i)), text(krait_device_error(list, i)),
                       krait_device_memory_total(list, i), krait_device_memory_free(list, i),
                       krait_device_is_auto(list, i) != 0});
    return all;
}

// The function that an executor's threads call: task(0) .. task(n_tasks - 1), each once.
class Task {
  public:
    Task(void (*function)(void*, uint32_t), void* context) : function_(function), context_(context) {}
    void operator()(uint32_t index) const { function_(context_, index); }

  private:
    void (*function_)(void*, uint32_t);
    void* context_;
};

// pool(n_tasks, task) as the executor of a model; krait_executor says what it must do. Outlives the model and its sessions.
template <class Pool>
krait_executor executor_of(Pool& pool, uint32_t n_threads) {
    return {sizeof(krait_executor), &pool, n_threads,
            [](void* context, uint32_t n_tasks, void (*function)(void*, uint32_t), void* task_context) {
                (*static_cast<Pool*>(context))(n_tasks, Task(function, task_context));
            }};
}

struct Metadata {
    std::string_view key, type;
    uint64_t n_element = 1;
};
struct Tensor {
    std::string_view name, type;
    std::vector<int64_t> extents;
    uint64_t bytes = 0, offset = 0;
    size_t file = 0;
};
struct Size {
    std::string_view name;
    int64_t value = 0;
};

// Texts that are views are valid until the model is destroyed.
class Model {
  public:
    // An empty path is the demo model. executor: NULL = the device's own threads.
    static Result<Model> load(const std::string& path = {}, const std::string& device = {},
                              const krait_executor* executor = nullptr) {
        krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
        options.device = device.empty() ? nullptr : device.c_str();
        options.executor = executor;
        krait_model* handle = nullptr;
        return detail::call(
            [&](krait_failure* f) { return krait_model_load(path.empty() ? nullptr : path.c_str(), &options, &handle, f); },
            [&] { return Model(handle); });
    }
    // With everything that krait_model_options can say. A name of its own: load(path, {}) would mean both.
    static Result<Model> load_with(const std::string& path, const krait_model_options& options) {
        krait_model* handle = nullptr;
        return detail::call(
            [&](krait_failure* f) { return krait_model_load(path.empty() ? nullptr : path.c_str(), &options, &handle, f); },
            [&] { return Model(handle); });
    }
    Result<std::string> explain(int32_t n_row = 512, krait_explain_form form = KRAIT_EXPLAIN_TABLE) const {
        return detail::array<std::string>([&](char* text, size_t capacity, size_t* size, krait_failure* f) {
            return krait_model_explain(get(), n_row, form, text, capacity, size, f);
        });
    }
    // Metadata, tensors and vocabulary alone (krait_model_options.no_weights).
    static Result<Model> open(const std::string& path = {}) {
        krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
        options.no_weights = 1;
        return load_with(path, options);
    }
    Status check() const {
        return detail::call([&](krait_failure* f) { return krait_model_check(get(), f); }, [] { return Done{}; });
    }
    std::string_view name() const { return view(krait_model_name(get())); }
    std::string_view architecture() const { return view(krait_model_architecture(get())); }
    std::string_view device() const { return view(krait_model_device(get())); }
    std::string_view hardware() const { return view(krait_model_hardware(get())); }
    int64_t n_vocab() const { return krait_model_n_vocab(get()); }
    int64_t n_token() const { return krait_model_n_token(get()); }
    int64_t n_layer() const { return krait_model_n_layer(get()); }
    int64_t d_model() const { return krait_model_d_model(get()); }
    bool is_tied() const { return krait_model_is_tied(get()) != 0; }
    uint64_t state_bytes() const { return krait_model_state_bytes(get()); }
    uint64_t token_bytes() const { return krait_model_token_bytes(get()); }
    uint64_t weight_bytes() const { return krait_model_weight_bytes(get()); }
    uint64_t device_bytes() const { return krait_model_device_bytes(get()); }
    uint64_t hash() const { return krait_model_hash(get()); }
    std::vector<krait_model_device_info> devices() const {
        std::vector<krait_model_device_info> all;
        krait_model_device_info info = KRAIT_MODEL_DEVICE_INFO_INIT;
        while (krait_model_device_at(get(), all.size(), &info, nullptr) == KRAIT_OK) all.push_back(info);
        return all;
    }
    Result<krait_work> work() const {
        krait_work work = KRAIT_WORK_INIT;
        return detail::call([&](krait_failure* f) { return krait_model_work(get(), &work, f); }, [&] { return work; });
    }
    bool has_top_k() const { return krait_model_has_top_k(get()) != 0; }
    int32_t chain_length() const { return krait_model_chain_length(get()); }
    std::vector<Size> sizes() const {
        std::vector<Size> all;
        const char* name = nullptr;
        size_t name_size = 0;
        int64_t value = 0;
        while (krait_model_size(get(), all.size(), &name, &name_size, &value, nullptr) == KRAIT_OK)
            all.push_back({{name, name_size}, value});
        return all;
    }

    // A piece of a prompt that the application wrote: control tokens in it are recognized. Text of others:
    // KRAIT_TOKENIZE_PLAIN.
    Result<std::vector<int32_t>> tokenize(std::string_view text, uint32_t flags = KRAIT_TOKENIZE_CONTROL) const {
        return detail::array<std::vector<int32_t>>([&](int32_t* tokens, size_t capacity, size_t* n_tok, krait_failure* f) {
            return krait_model_tokenize(get(), text.data(), text.size(), flags, tokens, capacity, n_tok, f);
        });
    }
    Result<std::string> detokenize(std::span<const int32_t> tokens, uint32_t flags = KRAIT_DETOKENIZE_TEXT) const {
        return detail::array<std::string>([&](char* text, size_t capacity, size_t* size, krait_failure* f) {
            return krait_model_detokenize(get(), tokens.data(), tokens.size(), flags, text, capacity, size, f);
        });
    }
    Result<int32_t> token(std::string_view text) const {
        int32_t token = 0;
        return detail::call([&](krait_failure* f) { return krait_model_token(get(), text.data(), text.size(), &token, f); },
                            [&] { return token; });
    }
    std::vector<int32_t> ends() const {
        auto tokens = detail::array<std::vector<int32_t>>([&](int32_t* out, size_t capacity, size_t* n_tok, krait_failure* f) {
            return krait_model_ends(get(), out, capacity, n_tok, f);
        });
        return tokens ? std::move(*tokens) : std::vector<int32_t>();
    }
    bool is_end(int32_t token) const { return krait_model_is_end(get(), token) != 0; }
    std::vector<std::string> warnings() const {
        std::vector<std::string> all;
        while (const char* warning = krait_model_warning(get(), all.size())) all.emplace_back(warning);
        return all;
    }
    int32_t bos() const { return krait_model_bos(get()); }
    int32_t eos() const { return krait_model_eos(get()); }
    // As the vocabulary has it.
    Result<std::string_view> token_text(int32_t token) const {
        const char* text = nullptr;
        size_t size = 0;
        return detail::call([&](krait_failure* f) { return krait_model_token_text(get(), token, &text, &size, f); },
                            [&] { return std::string_view(text, size); });
    }
    bool is_control(int32_t token) const { return krait_model_is_control(get(), token) != 0; }

    uint32_t format_version() const { return krait_model_format_version(get()); }
    uint64_t file_bytes() const { return krait_model_file_bytes(get()); }
    std::vector<std::string_view> file_names() const {
        std::vector<std::string_view> names;
        for (size_t i = 0; i < krait_model_file_count(get()); ++i) names.emplace_back(krait_model_file_name(get(), i));
        return names;
    }
    std::vector<Metadata> metadata() const {
        std::vector<Metadata> all;
        for (size_t i = 0; i < krait_model_metadata_count(get()); ++i) {
            krait_metadata entry = KRAIT_METADATA_INIT;
            if (krait_model_metadata(get(), i, &entry, nullptr) != KRAIT_OK) break;
            all.push_back({{entry.key, entry.key_size}, entry.type, entry.n_element});
        }
        return all;
    }
    Result<size_t> find_metadata(std::string_view key) const {
        size_t index = 0;
        return detail::call(
            [&](krait_failure* f) { return krait_model_metadata_find(get(), key.data(), key.size(), &index, f); },
            [&] { return index; });
    }
    Result<std::string> metadata_text(size_t index, krait_value_form form = KRAIT_VALUE_WHOLE) const {
        return detail::array<std::string>([&](char* text, size_t capacity, size_t* size, krait_failure* f) {
            return krait_model_metadata_text(get(), index, form, text, capacity, size, f);
        });
    }
    std::vector<Tensor> tensors() const {
        std::vector<Tensor> all;
        for (size_t i = 0; i < krait_model_tensor_count(get()); ++i) {
            krait_tensor tensor = KRAIT_TENSOR_INIT;
            if (krait_model_tensor(get(), i, &tensor, nullptr) != KRAIT_OK) break;
            all.push_back({{tensor.name, tensor.name_size},
                           tensor.type,
                           {tensor.extents, tensor.extents + tensor.rank},
                           tensor.bytes,
                           tensor.offset,
                           tensor.file});
        }
        return all;
    }

    Result<krait_perplexity> perplexity(std::string_view text,
                                        krait_perplexity_options options = KRAIT_PERPLEXITY_OPTIONS_INIT) const {
        krait_perplexity measured = KRAIT_PERPLEXITY_INIT;
        return detail::call(
            [&](krait_failure* f) { return krait_perplexity_measure(get(), text.data(), text.size(), &options, &measured, f); },
            [&] { return measured; });
    }
    krait_model* get() const { return handle_.get(); }

  private:
    explicit Model(krait_model* handle) : handle_(handle) {}
    static std::string_view view(const char* text) { return text ? text : ""; }
    detail::Owner<krait_model, krait_model_free> handle_;
};

// Tokens to whole characters, as they come, up to a stop text. Views are valid until the next call.
class Detokenizer {
  public:
    static Result<Detokenizer> create(const Model& model, std::span<const std::string> stops = {}) {
        std::vector<const char*> texts;
        for (const std::string& stop : stops) texts.push_back(stop.c_str());
        krait_detokenizer_options options = KRAIT_DETOKENIZER_OPTIONS_INIT;
        options.stops = texts.data();
        options.n_stop = texts.size();
        krait_detokenizer* handle = nullptr;
        return detail::call([&](krait_failure* f) { return krait_detokenizer_create(model.get(), &options, &handle, f); },
                            [&] { return Detokenizer(handle); });
    }
    Result<std::string_view> push(int32_t token) {
        return view([&](const char** text, size_t* size, krait_failure* f) {
            return krait_detokenizer_push(get(), token, text, size, f);
        });
    }
    Result<std::string_view> prompt(std::span<const int32_t> tokens) {
        return view([&](const char** text, size_t* size, krait_failure* f) {
            return krait_detokenizer_prompt(get(), tokens.data(), tokens.size(), text, size, f);
        });
    }
    Result<std::string_view> finish() {
        return view(
            [&](const char** text, size_t* size, krait_failure* f) { return krait_detokenizer_finish(get(), text, size, f); });
    }
    bool is_stopped() const { return krait_detokenizer_is_stopped(get()) != 0; }
    krait_detokenizer* get() const { return handle_.get(); }

  private:
    explicit Detokenizer(krait_detokenizer* handle) : handle_(handle) {}
    template <class Ask>
    static Result<std::string_view> view(Ask&& ask) {
        const char* text = nullptr;
        size_t size = 0;
        return detail::call([&](krait_failure* f) { return ask(&text, &size, f); },
                            [&] { return std::string_view(text, size); });
    }
    detail::Owner<krait_detokenizer, krait_detokenizer_free> handle_;
};

}  // namespace krait::api
