/* SPDX-License-Identifier: Apache-2.0
 *
 * Codes, failures, the version and the log: what all other headers need.
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
    KRAIT_INVALID_ARGUMENT = 1, /* a value passed in is wrong: which, and what would be right */
    KRAIT_NOT_FOUND = 2,        /* no file, device or tensor of that name */
    KRAIT_CORRUPT_FILE = 3,     /* the file contradicts its format: names field and byte offset */
    KRAIT_UNSUPPORTED = 4,      /* valid, but not supported: says why */
    KRAIT_OUT_OF_MEMORY = 5,    /* of the host or of a device */
    KRAIT_DEVICE_LOST = 6,      /* the device answers no more: free what is on it */
    KRAIT_UNAVAILABLE = 7,      /* not on this machine, or not now */
    KRAIT_IO = 8,               /* the operating system failed to read or write a file */
    KRAIT_CANCELLED = 9,        /* a callback asked to stop */
    KRAIT_INTERNAL = 10         /* a defect: please report it */
} krait_code;

/* Allocated by the caller. message is NUL-terminated, and empty after success. */
typedef struct krait_failure {
    int32_t code;       /* krait_code */
    char message[1020]; /* cut before a character where it is longer than 1019 bytes */
} krait_failure;

KRAIT_API const char* krait_version(void); /* "0.2.0" */

/* Called between two steps of long work with what is done, of total: bytes while a model is loaded, tokens while they are read.
 * Return 0 to continue; any other value ends the call with KRAIT_CANCELLED. Called on the thread that called Krait; it must not
 * use the object at work, and not throw. */
typedef int (*krait_progress)(void* user, uint64_t done, uint64_t total);

/* ---- the log ---- */

typedef enum krait_severity {
    KRAIT_SEVERITY_DEBUG = 0,
    KRAIT_SEVERITY_INFO = 1,
    KRAIT_SEVERITY_WARNING = 2,
    KRAIT_SEVERITY_ERROR = 3 /* levels that Krait does not know, too */
} krait_severity;

/* A message of a plugin or of a driver behind it, a sentence for people, NUL-terminated and valid during the call. Called from
 * any thread, from one at a time; it must not call Krait, and not throw. */
typedef void (*krait_log)(void* user, krait_severity severity, const char* message);

/* From now on messages go to log, of the whole process; before the first call, and with NULL, they are dropped. Returns when no
 * call of the log before is running, so that what its user points to may be freed then. */
KRAIT_API krait_code krait_log_set(krait_log log, void* user, krait_failure* failure);

#ifdef __cplusplus
}
#endif
#endif
