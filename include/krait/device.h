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

/* Adds a folder in which backend plugins are looked for. Call it before the first model is loaded or device listed: a plugin
 * that was found before is not replaced by one of the same family and variant in this folder. NOT_FOUND where path is no
 * folder. */
KRAIT_API krait_code krait_backend_folder_add(const char* path, krait_failure* failure);

/* The devices that existed when the list was created, in the order in which "auto" tries them: index 0 first. Creating a list
 * loads plugins and drivers, which may take seconds. */
typedef struct krait_device_list krait_device_list;
KRAIT_API krait_code krait_device_list_create(krait_device_list** out, krait_failure* failure);
KRAIT_API void krait_device_list_free(krait_device_list* list);
KRAIT_API size_t krait_device_list_size(const krait_device_list* list);

/* Properties of the device with this index; NULL, or 0, past the end. Texts are NUL-terminated and valid until the list is
 * freed. */
KRAIT_API const char* krait_device_name(const krait_device_list* list,
                                        size_t index); /* for krait_model_options.device: "cuda0" */
KRAIT_API const char* krait_device_product(const krait_device_list* list, size_t index);  /* hardware: "NVIDIA H100" */
KRAIT_API const char* krait_device_features(const krait_device_list* list, size_t index); /* capabilities; may be empty */
/* Why the device cannot be used: a sentence; NULL where it can. Where it cannot, product and features are NULL, memory is 0. */
KRAIT_API const char* krait_device_error(const krait_device_list* list, size_t index);
KRAIT_API uint64_t krait_device_memory_total(const krait_device_list* list, size_t index); /* bytes */
KRAIT_API uint64_t krait_device_memory_free(const krait_device_list* list, size_t index);
KRAIT_API int krait_device_is_auto(const krait_device_list* list, size_t index); /* 1: "auto" may select it */

#ifdef __cplusplus
}
#endif
#endif
