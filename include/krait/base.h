/* SPDX-License-Identifier: Apache-2.0
 *
 * Error codes, failures, the version and the log, which all other headers need.
 */
#ifndef KRAIT_BASE_H
#define KRAIT_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define KRAIT_API __declspec(dllimport)
#else
#define KRAIT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum krait_code {
    KRAIT_OK = 0,
    KRAIT_INVALID_ARGUMENT = 1, /* a value passed in is wrong: the message says which, and what would be right */
    KRAIT_NOT_FOUND = 2,        /* no file, device or tensor of that name */
    KRAIT_CORRUPT_FILE = 3,     /* the file contradicts its format: the message names field and byte offset */
    KRAIT_UNSUPPORTED = 4,      /* valid, but not supported: the message says why */
    KRAIT_OUT_OF_MEMORY = 5,    /* of the host or of a device */
    KRAIT_DEVICE_LOST = 6,      /* the device no longer responds: free all objects that use it */
    KRAIT_UNAVAILABLE = 7,      /* not available on this machine, or not now */
    KRAIT_IO = 8,               /* the operating system failed to read or write a file */
    KRAIT_CANCELLED = 9,        /* a callback asked to stop */
    KRAIT_INTERNAL = 10         /* a bug (please report it), or a model that computes NaN or infinite logits */
} krait_code;

/* Allocated by the caller. message is NUL-terminated, and empty after success. */
typedef struct krait_failure {
    int32_t code;       /* krait_code */
    char message[1020]; /* UTF-8; a message of more than 1019 bytes is cut there, between two characters */
} krait_failure;

KRAIT_API const char* krait_version(void); /* "0.2.0" */

/* Called during a long call with how much of total is done: bytes of weights while a model is loaded, tokens while a batch is
 * decoded. Return 0 to continue; any other value ends the call with KRAIT_CANCELLED. user is the pointer that was given
 * together with the function. Called on the thread that called Krait; it must not use the object that this call uses, and not
 * throw. */
typedef int (*krait_progress)(void* user, uint64_t done, uint64_t total);

/* ---- the log ---- */

typedef enum krait_severity {
    KRAIT_SEVERITY_DEBUG = 0,
    KRAIT_SEVERITY_INFO = 1,
    KRAIT_SEVERITY_WARNING = 2,
    KRAIT_SEVERITY_ERROR = 3 /* also stands for severities of plugins that Krait does not know */
} krait_severity;

/* Receives a message of a backend plugin or of its driver: a sentence for people, NUL-terminated and valid during the call.
 * Called from any thread, by one thread at a time; it must not call Krait, and not throw. */
typedef void (*krait_log)(void* user, krait_severity severity, const char* message);

/* Sets the function that receives the messages of the whole process from now on. NULL: messages are dropped, as they are before
 * the first call. When this call returns, the function that was set before is not running and is not called again, so its user
 * data may be freed. */
KRAIT_API krait_code krait_log_set(krait_log log, void* user, krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
