/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of the null device: a number that grows, and a way to sleep until it has.
 */
#include <stdlib.h>
#include <time.h>

#include "backends/null/null_backend.h"

/* ---- events ---------------------------------------------------------------------------------------------------- */

krait_status event_create(krait_device* device, krait_event** out, krait_error* err) {
    NEED_OUT(out);
    NEED(device);
    krait_event* event = calloc(1, sizeof *event);
    if (event == NULL) return failed(err, KRAIT_STATUS_OUT_OF_MEMORY, "no memory for an event");
    event->device = device;
    atomic_init(&event->value, 0);
    if (mtx_init(&event->mutex, mtx_timed) != thrd_success) {
        free(event);
        return failed(err, KRAIT_STATUS_OUT_OF_MEMORY, "no mutex for an event");
    }
    if (cnd_init(&event->advanced) != thrd_success) {
        mtx_destroy(&event->mutex);
        free(event);
        return failed(err, KRAIT_STATUS_OUT_OF_MEMORY, "no condition variable for an event");
    }
    *out = event;
    return KRAIT_STATUS_OK;
}

void event_destroy(krait_event* event) {
    if (event == NULL) return;
    cnd_destroy(&event->advanced);
    mtx_destroy(&event->mutex);
    free(event);
}

uint64_t event_value(krait_event* event) { return event != NULL ? atomic_load(&event->value) : 0; }

static krait_status check_event(const krait_queue* queue, const krait_event* event, krait_error* err) {
    NEED(queue);
    NEED(event);
    if (event->device != queue->device)
        return failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the event belongs to another device than the queue");
    return KRAIT_STATUS_OK;
}

krait_status queue_signal(krait_queue* queue, krait_event* event, uint64_t value, krait_error* err) {
    krait_status status = check_event(queue, event, err);
    if (status != KRAIT_STATUS_OK) return status;
    mtx_lock(&event->mutex);
    const uint64_t now = event_value(event);
    if (value > now) {
        atomic_store(&event->value, value);
        cnd_broadcast(&event->advanced);
    } else {
        status = failed(err, KRAIT_STATUS_INVALID_ARGUMENT, "the event stands at %llu; a signal must be larger, %llu is not",
                        (unsigned long long)now, (unsigned long long)value);
    }
    mtx_unlock(&event->mutex);
    return status;
}

/* Everything submitted before has happened, so a wait is over or has no one to sleep for it: a queue without a thread of its
 * own would have to stop the caller, who may be the one to signal. */
krait_status queue_wait(krait_queue* queue, krait_event* event, uint64_t value, krait_error* err) {
    const krait_status status = check_event(queue, event, err);
    if (status != KRAIT_STATUS_OK || event_value(event) >= value) return status;
    return failed(err, KRAIT_STATUS_UNSUPPORTED,
                  "the event stands at %llu, not yet at %llu: the null device cannot wait in a queue",
                  (unsigned long long)event_value(event), (unsigned long long)value);
}

krait_status event_wait(krait_event* event, uint64_t value, uint64_t timeout_ns, krait_error* err) {
    NEED(event);
    const long kSecond = 1000000000L;
    struct timespec deadline;
    timespec_get(&deadline, TIME_UTC);
    const uint64_t seconds = timeout_ns / (uint64_t)kSecond; /* at most 2^64 ns, 585 years: time_t holds it */
    deadline.tv_sec += (time_t)seconds;
    deadline.tv_nsec += (long)(timeout_ns % (uint64_t)kSecond);
    if (deadline.tv_nsec >= kSecond) {
        deadline.tv_nsec -= kSecond;
        deadline.tv_sec += 1;
    }
    int waited = thrd_success;
    mtx_lock(&event->mutex);
    while (event_value(event) < value && waited == thrd_success)
        waited = cnd_timedwait(&event->advanced, &event->mutex, &deadline);
    mtx_unlock(&event->mutex);
    if (event_value(event) >= value) return KRAIT_STATUS_OK;
    return failed(err, KRAIT_STATUS_UNAVAILABLE, "the event stands at %llu and did not reach %llu within %llu ns",
                  (unsigned long long)event_value(event), (unsigned long long)value, (unsigned long long)timeout_ns);
}
