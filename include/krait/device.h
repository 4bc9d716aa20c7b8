/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices that models can run on, and the folders of the plugins that bring them.
 */
#ifndef KRAIT_DEVICE_H
#define KRAIT_DEVICE_H

#include <krait/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Adds a folder in which backend plugins are looked for. Call it before the first model is loaded or device listed: what is
 * known then stays. NOT_FOUND where path is no folder. */
KRAIT_API krait_code krait_backend_folder_add(const char* path, krait_failure* failure);

/* The devices that there were when the list was made, in the order in which "auto" tries them: index 0 first. Asking loads
 * plugins and drivers, which may take seconds. */
typedef struct krait_device_list krait_device_list;
KRAIT_API krait_code krait_device_list_create(krait_device_list** out, krait_failure* failure);
KRAIT_API void krait_device_list_free(krait_device_list* list);
KRAIT_API size_t krait_device_list_size(const krait_device_list* list);

/* Facts about the device with this index. Texts are NUL-terminated and valid until the list is freed; NULL, or 0, past the
 * end. */
KRAIT_API const char* krait_device_name(const krait_device_list* list,
                                        size_t index); /* for krait_model_options.device: "cuda0" */
KRAIT_API const char* krait_device_product(const krait_device_list* list, size_t index);  /* the product's name */
KRAIT_API const char* krait_device_features(const krait_device_list* list, size_t index); /* for people; may be empty */
/* Why the device cannot be used: a sentence; NULL where it can. Where it cannot, product and features are NULL, memory is 0. */
KRAIT_API const char* krait_device_error(const krait_device_list* list, size_t index);
KRAIT_API uint64_t krait_device_memory_total(const krait_device_list* list, size_t index); /* bytes */
KRAIT_API uint64_t krait_device_memory_free(const krait_device_list* list, size_t index);
KRAIT_API int krait_device_is_auto(const krait_device_list* list, size_t index); /* 1: "auto" may choose it */

#ifdef __cplusplus
}
#endif
#endif
