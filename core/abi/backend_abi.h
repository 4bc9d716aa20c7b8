/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin ABI: everything that Krait and a backend plugin know of each other.
 *
 * A plugin is a shared library that exports one symbol, krait_plugin_query (end of this file). C11, standard
 * headers only, so that a backend can be written in any language that speaks C.
 *
 * Versions.   The major version must match. A newer minor version only appends: functions to the end of
 *             krait_backend, fields to the end of structs that begin with struct_size: whoever reads such a struct takes
 *             one that is longer than it knows, and one that ends where version 2.0 ended (KRAIT_..._SIZE_2_0); whoever
 *             fills one writes struct_size bytes at most. Structs that travel in arrays (krait_tensor_desc,
 *             krait_graph_tensor, krait_graph_node, krait_use, krait_op_version) are frozen for a major version and
 *             carry no struct_size.
 * Operators.  A plugin exports which it was built with, each with a hash of its contract (krait_op_version): it is never
 *             asked about one that came later, and refused where one has changed. Another list of weight formats is
 *             refused as a whole (formats_hash).
 * Errors.     A function that can fail returns krait_status and fills the caller's krait_error (which may be NULL).
 *             Nothing throws or aborts across this boundary for bad input, missing devices or lack of memory.
 * Ownership.  Who creates a handle destroys it, children before parents (programs, queues, events, buffers, device).
 *             Pointers passed in are borrowed for the call unless a function says otherwise.
 * Threads.    Functions of krait_backend and of a device may be called from any thread at once; a queue is used by
 *             one thread at a time; a program is run by one queue at a time.
 * Logging.    Only through krait_host. A plugin reads no environment variable: options come with device_open
 *             (krait_open_params).
 */
#ifndef KRAIT_BACKEND_ABI_H
#define KRAIT_BACKEND_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KRAIT_ABI_MAJOR 2u
#define KRAIT_ABI_MINOR 0u
#define KRAIT_ABI_VERSION ((KRAIT_ABI_MAJOR << 16) | KRAIT_ABI_MINOR)

#if defined(_WIN32)
#define KRAIT_PLUGIN_EXPORT __declspec(dllexport)
#else
#define KRAIT_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

/* ---- errors ------------------------------------------------------------------------------------------------ */

typedef enum krait_status {
    KRAIT_STATUS_OK = 0,
    KRAIT_STATUS_INVALID_ARGUMENT = 1, /* the caller's value is wrong: says which, and what would be right */
    KRAIT_STATUS_NOT_FOUND = 2,        /* a file, device, tensor or plugin of that name is not there */
    KRAIT_STATUS_CORRUPT_FILE = 3,     /* a file's content contradicts its format: names field and offset */
    KRAIT_STATUS_UNSUPPORTED = 4,      /* understood, but this backend or build cannot: says why */
    KRAIT_STATUS_OUT_OF_MEMORY = 5,    /* names the size asked for, and what was free where that is known */
    KRAIT_STATUS_DEVICE_LOST = 6,      /* the device is gone; every handle of it fails from now on */
    KRAIT_STATUS_UNAVAILABLE = 7,      /* not on this machine or not now (driver, instruction set, permission) */
    KRAIT_STATUS_IO = 8,               /* the operating system refused a read, write or open */
    KRAIT_STATUS_CANCELLED = 9,        /* the caller asked to stop */
    KRAIT_STATUS_INTERNAL = 10         /* a defect of Krait's or of the plugin's */
} krait_status;

/* Allocated by the caller; message is UTF-8, always terminated, cut where it does not fit. */
typedef struct krait_error {
    uint32_t struct_size;
    int32_t code; /* krait_status */
    char message[1016];
} krait_error;

/* ---- tensors ------------------------------------------------------------------------------------------------ */

/* Element types are numbered as in GGUF; core/quant/formats.def lists them. */
typedef uint32_t krait_dtype;

#define KRAIT_MAX_RANK 4

/* Row-major: extent[rank-1] varies fastest and is contiguous. Unused extents are 1.
 * stride[i] = bytes from one index of dimension i to the next; for the last dimension the bytes of one element,
 * or of one block where the type is quantized (a block covers several elements of a row; rows are whole blocks). */
typedef struct krait_tensor_desc {
    krait_dtype dtype;
    uint32_t rank;
    int64_t extent[KRAIT_MAX_RANK];
    int64_t stride[KRAIT_MAX_RANK];
} krait_tensor_desc;

/* ---- the graph: plain data, borrowed for the call ------------------------------------------------------------ */

typedef struct krait_device krait_device;
typedef struct krait_buffer krait_buffer;
typedef struct krait_queue krait_queue;
typedef struct krait_event krait_event;
typedef struct krait_program krait_program;

typedef enum krait_tensor_role {
    KRAIT_TENSOR_VALUE = 0,    /* bytes at buffer + offset, laid out as desc says */
    KRAIT_TENSOR_CONSTANT = 1, /* made by constant_upload: the layout is the plugin's own */
    KRAIT_TENSOR_MEMORY = 2    /* made by memory_create: slots or pages in the plugin's own layout (krait_memory_desc) */
} krait_tensor_role;

typedef struct krait_graph_tensor {
    krait_tensor_desc desc;
    uint32_t role;        /* krait_tensor_role */
    int32_t base;         /* index of the tensor whose memory this is a view of, or -1 */
    krait_buffer* buffer; /* where it lives; NULL only inside supports() */
    uint64_t offset;      /* bytes from the start of buffer (a view's offset already includes its base's) */
    const char* name;     /* for messages */
    uint32_t dim;         /* 0 = every extent is fixed; else extent[0] goes with dynamic dimension dim - 1 (krait_graph) */
    uint32_t reserved;    /* 0 */
} krait_graph_tensor;

#define KRAIT_MAX_INPUTS 16
#define KRAIT_MAX_OUTPUTS 4

/* Operands are indices into the graph's tensors, in the order of the op's contract (core/ops); -1 = absent. */
typedef struct krait_graph_node {
    uint32_t op; /* core/ops/op_list.def */
    int32_t in[KRAIT_MAX_INPUTS];
    int32_t out[KRAIT_MAX_OUTPUTS];
    uint32_t params_size; /* bytes; the size that op_list.def gives for the op */
    const void* params;
    const char* name;
} krait_graph_node;

/* Nodes are in an order in which they may run one after another. The host has validated types, shapes, roles and
 * memory: a plugin need not repeat it. Values of index tensors (token ids, sequence starts, slots, rows) are
 * checked by the host before each run that writes them.
 *
 * Dynamic dimensions. One program serves runs of several sizes: rows, sequences, rows of logits. Extents in desc are the
 * largest ones, and memory is there for them. Dimension d is at most dim_max[d]; a run says how large it is this time
 * (queue_run), and extent[0] of a tensor with dim == d + 1 is then desc.extent[0] - (dim_max[d] - size[d]); strides stay. A
 * plugin may compute these rows alone, or all of them: index tensors always hold valid values up to their largest extents, the
 * other rows of values hold anything, results in rows beyond are not read, and memories are written as the indices say. */
typedef struct krait_graph {
    uint32_t struct_size;
    uint32_t n_tensors;
    const krait_graph_tensor* tensors;
    uint32_t n_nodes;
    const krait_graph_node* nodes;
    uint32_t n_dims;        /* at most KRAIT_MAX_DIMS */
    const int64_t* dim_max; /* n_dims values of 0 or more */
} krait_graph;

#define KRAIT_MAX_DIMS 8

/* ---- devices ------------------------------------------------------------------------------------------------- */

typedef enum krait_device_kind {
    KRAIT_DEVICE_CPU = 0,
    KRAIT_DEVICE_GPU = 1,
    KRAIT_DEVICE_INTEGRATED_GPU = 2,
    KRAIT_DEVICE_ACCELERATOR = 3,
    KRAIT_DEVICE_EMULATED = 4 /* software behind a device's interface: for tests, never chosen by `auto` */
} krait_device_kind;

typedef struct krait_device_info {
    uint32_t struct_size;
    uint32_t kind;         /* krait_device_kind */
    char name[128];        /* what the maker calls it */
    char features[256];    /* words separated by spaces, for people: nothing reads them (krait_device_capabilities) */
    uint64_t memory_total; /* bytes */
    uint64_t memory_free;  /* bytes, at the time of the call */
    uint64_t alignment;    /* bytes: offsets of values in a buffer must be multiples of it */
    uint32_t auto_rank;    /* `auto` takes the device with the highest; 0 = only when named */
} krait_device_info;

/* How mul_mat rounds its operands before it multiplies them, for the tests' tolerances. A row is taken in units along K that
 * share a scale; the last one may be shorter. */
typedef enum krait_rounding {
    KRAIT_ROUNDING_NONE = 0,    /* float32 */
    KRAIT_ROUNDING_F16 = 1,     /* activations to F16, in some products or in all */
    KRAIT_ROUNDING_BF16 = 2,    /* activations to BF16, likewise */
    KRAIT_ROUNDING_INT8X32 = 3, /* activations to int8 in units of 32, d = max |x| / 127, ties to even; what that takes from
                                 * the sum of x is kept for formats with a minimum (docs/testing.md has the formula) */
    KRAIT_ROUNDING_INT13X32 = 4 /* activations and weights to 13 bits and a sign in units of 32, d = max |x| / 8191 */
} krait_rounding;

#define KRAIT_DEVICE_FLUSHES_SUBNORMALS 1u /* float32 subnormals may be taken for 0, operands and results */
#define KRAIT_DEVICE_MAPS_BUFFERS 2u       /* buffer_map works for KRAIT_BUFFER_DEVICE too */
#define KRAIT_DEVICE_IMPORTS_HOST 4u       /* buffer_import_host works */
#define KRAIT_DEVICE_RUNS_ROWS_ALONE 8u    /* queue_run computes the rows that its sizes say, and no others (krait_graph) */

/* Capabilities of a device as it was opened: options may change them. */
typedef struct krait_device_capabilities {
    uint32_t struct_size;
    uint32_t flags;              /* KRAIT_DEVICE_...; those that the reader does not know mean nothing to it */
    uint32_t quantized_rounding; /* krait_rounding, in products with quantized weights: none, F16, BF16 or INT8X32 */
    uint32_t half_rounding;      /* krait_rounding, in products with F16 and BF16 weights: none, F16, BF16 or INT13X32 */
} krait_device_capabilities;

typedef enum krait_buffer_kind {
    KRAIT_BUFFER_DEVICE = 0, /* the device's fastest memory */
    KRAIT_BUFFER_PINNED = 1  /* host memory that the device copies from and to without staging; always mappable */
} krait_buffer_kind;

/* One way in which a constant or a memory is used; decides which layouts a plugin makes of it. */
typedef struct krait_use {
    uint32_t op;      /* core/ops/op_list.def */
    uint32_t operand; /* index of the input in the op's contract */
} krait_use;

typedef enum krait_memory_layout {
    KRAIT_MEMORY_SLOTS = 0, /* a unit is one state of fixed size */
    KRAIT_MEMORY_PAGES = 1  /* a unit is a page of rows_per_unit rows, of which a sequence has as many as it is long */
} krait_memory_layout;

/* A memory of sequences: n_units units of one shape. In a graph it is a tensor of
 *     slots   [n_units, extent...]                  for operands of kind state
 *     pages   [n_units, rows_per_unit, extent...]   for operands of kind pages
 * and the canonical layout of a unit, in which units are exported and imported, is row-major in dtype. The plugin's own layout
 * may be another one, chosen by the uses; several operators may use one memory. Contents of a new memory are undefined: a slot
 * is defined once a run, an import or a copy has written it, and so is each row of a page. */
typedef struct krait_memory_desc {
    uint32_t struct_size;
    uint32_t layout;       /* krait_memory_layout */
    krait_dtype dtype;     /* F32; of pages F16 and Q8_0 too */
    uint32_t rank;         /* extents that count: of a slot 1 .. 3, of a row 1 .. 2 */
    int64_t n_units;       /* at least 1 */
    int64_t rows_per_unit; /* of slots 1; of pages at least 1 */
    int64_t extent[3];     /* of a slot, or of one row, which has a multiple of 4 bytes; unused trailing ones are 1 */
    const krait_use* uses; /* at least one, each an operand of kind state (slots) or pages; borrowed for the call */
    uint32_t n_uses;
} krait_memory_desc;

/* The bytes given to constant_upload stay valid and unchanged until the buffer is destroyed (a mapped file): a CPU
 * plugin may then read them in place instead of copying. */
#define KRAIT_UPLOAD_BYTES_PERSIST 1u

/* ---- what the host offers ------------------------------------------------------------------------------------ */

typedef enum krait_log_level {
    KRAIT_LOG_DEBUG = 0,
    KRAIT_LOG_INFO = 1,
    KRAIT_LOG_WARN = 2,
    KRAIT_LOG_ERROR = 3
} krait_log_level;

/* Threads of the host application, for a device whose loops run on the host's processors. parallel calls task(task_context, i)
 * once for each i < n_tasks, from any threads, at the same time or one after another, and returns when all have returned. It
 * is called by the threads that call the device, by several at once, and never from inside a task that it was given. Tasks
 * do not throw, and neither does parallel. */
typedef struct krait_host_executor {
    void* context;
    uint32_t n_threads; /* how many tasks run at the same time at most; 1 .. 1024 */
    void (*parallel)(void* context, uint32_t n_tasks, void (*task)(void* task_context, uint32_t index), void* task_context);
} krait_host_executor;

/* Parameters with which a device is opened. */
typedef struct krait_open_params {
    uint32_t struct_size;
    /* "key=value" words separated by ':', e.g. "threads=2"; an unknown key is an error that lists the known ones. NULL or "" =
     * defaults. */
    const char* options;
    /* Where the loops of a device run whose loops run on the host's processors: it then starts no thread for them. NULL = none
     * is given. What it points to is borrowed for the call; context and parallel live until device_close has returned. */
    const krait_host_executor* executor;
} krait_open_params;

/* Outlives the plugin. */
typedef struct krait_host {
    uint32_t struct_size;
    uint32_t abi_version; /* KRAIT_ABI_VERSION of the host */
    void* context;
    void (*log)(void* context, int32_t level, const char* message); /* any thread */

    /* A folder, UTF-8, in which a plugin may keep files that it can make again, named so that no other plugin takes them for
     * its own. It need not exist yet. NULL = nothing is to be kept. The text lives as long as the host. */
    const char* (*cache_directory)(void* context);
} krait_host;

/* ---- what a plugin offers ------------------------------------------------------------------------------------ */

/* An operator, and a fingerprint of its contract: name, size of the parameters, revision, operands with their kinds in their
 * order. core/abi/op_versions.h has the list; in C++ it is krait::kOpVersions (core/ops/op_hash.hpp). */
typedef struct krait_op_version {
    uint32_t op; /* core/ops/op_list.def */
    uint64_t hash;
} krait_op_version;

typedef struct krait_backend {
    uint32_t struct_size;
    uint32_t abi_version;        /* KRAIT_ABI_VERSION it was built with */
    uint64_t formats_hash;       /* of the list of weight formats that it was built with: KRAIT_FORMATS_HASH */
    const krait_op_version* ops; /* the operators that it was built with, in any order: KRAIT_OP_VERSIONS */
    uint32_t n_ops;
    const char* family;  /* "cpu": devices are named after it; of one family the highest score is used */
    const char* variant; /* "avx2": forces this plugin (`cpu:avx2`); "" where the family has one member */
    const char* version; /* of the plugin, for people */

    /* How well this plugin suits the machine: 0 = not at all, and *why says because of what. No side effects.
     * While none of its devices is open, the host may unload the plugin, and load it again: nothing of a device (threads,
     * callbacks) may stay when it has been closed. */
    uint32_t (*score)(krait_error* why);

    uint32_t (*device_count)(void);
    krait_status (*device_info)(uint32_t index, krait_device_info* info, krait_error* err);
    /* params: NULL = nothing is asked for. */
    krait_status (*device_open)(uint32_t index, const krait_open_params* params, krait_device** out, krait_error* err);
    void (*device_close)(krait_device* device);
    /* Fills struct_size bytes of *capabilities at most. */
    krait_status (*device_capabilities)(krait_device* device, krait_device_capabilities* capabilities, krait_error* err);

    /* -- memory -- */
    krait_status (*buffer_create)(krait_device* device, uint32_t kind, uint64_t size, krait_buffer** out, krait_error* err);
    /* A device pointer to host memory that the caller keeps alive; UNSUPPORTED where the device cannot. */
    krait_status (*buffer_import_host)(krait_device* device, void* bytes, uint64_t size, krait_buffer** out, krait_error* err);
    /* Any kind, including constants and memories. Nothing submitted may still use it. */
    void (*buffer_destroy)(krait_buffer* buffer);
    uint64_t (*buffer_size)(const krait_buffer* buffer); /* bytes that it really takes on the device */
    /* The bytes of a buffer for the host; UNSUPPORTED where the device's memory is not host-visible. Host and device
     * must not touch the same bytes at once: order them with queue_sync or events. */
    krait_status (*buffer_map)(krait_buffer* buffer, void** out, krait_error* err);

    /* -- weights, and what sequences remember -- */
    /* bytes: the tensor as it stands in a GGUF file, described by desc (contiguous), size bytes in all. The plugin may
     * repack it for what uses say. flags: KRAIT_UPLOAD_*. Returns when bytes may be reused (unless BYTES_PERSIST). */
    krait_status (*constant_upload)(krait_device* device, const krait_tensor_desc* desc, const krait_use* uses, uint32_t n_uses,
                                    const void* bytes, uint64_t size, uint32_t flags, krait_buffer** out, krait_error* err);
    krait_status (*memory_create)(krait_device* device, const krait_memory_desc* desc, krait_buffer** out, krait_error* err);

    /* -- programs -- */
    /* OK, or UNSUPPORTED with the reason. Tensors need not be placed yet (buffer may be NULL). */
    krait_status (*supports)(krait_device* device, const krait_graph* graph, uint32_t node, krait_error* why);
    /* Everything that can be decided once for many runs. Keeps no pointer into graph; keeps the buffers it names. */
    krait_status (*program_create)(krait_device* device, const krait_graph* graph, krait_program** out, krait_error* err);
    void (*program_destroy)(krait_program* program);

    /* -- queues: work in order, possibly after the call returns -- */
    krait_status (*queue_create)(krait_device* device, krait_queue** out, krait_error* err);
    void (*queue_destroy)(krait_queue* queue); /* waits for its work */
    /* src may be reused when the call returns. */
    krait_status (*queue_write)(krait_queue* queue, krait_buffer* dst, uint64_t dst_offset, const void* src, uint64_t size,
                                krait_error* err);
    /* dst is filled once queue_sync or an event signalled after it says so. */
    krait_status (*queue_read)(krait_queue* queue, void* dst, krait_buffer* src, uint64_t src_offset, uint64_t size,
                               krait_error* err);
    /* Buffers of this device, or pinned buffers of it. Ranges do not overlap. */
    krait_status (*queue_copy)(krait_queue* queue, krait_buffer* dst, uint64_t dst_offset, krait_buffer* src,
                               uint64_t src_offset, uint64_t size, krait_error* err);
    /* sizes: of the graph's dynamic dimensions, 0 .. dim_max[d] each, n_sizes = n_dims of them; or NULL and 0: all at their
     * largest. Borrowed for the call. */
    krait_status (*queue_run)(krait_queue* queue, krait_program* program, const int64_t* sizes, uint32_t n_sizes,
                              krait_error* err);
    /* A unit in the canonical layout (krait_memory_desc), size = rows_per_unit * product(extent) elements; bit-exact both ways.
     * export fills dst as queue_read does; import may reuse src at once, as queue_write. */
    krait_status (*queue_memory_export)(krait_queue* queue, krait_buffer* memory, int64_t unit, void* dst, uint64_t size,
                                        krait_error* err);
    krait_status (*queue_memory_import)(krait_queue* queue, krait_buffer* memory, int64_t unit, const void* src, uint64_t size,
                                        krait_error* err);
    krait_status (*queue_memory_copy)(krait_queue* queue, krait_buffer* memory, int64_t src_unit, int64_t dst_unit,
                                      krait_error* err);
    /* Waits until all work of the queue is done; returns the first error that any of it met since the last sync. */
    krait_status (*queue_sync)(krait_queue* queue, krait_error* err);

    /* -- events: counters that only grow; start at 0 -- */
    krait_status (*event_create)(krait_device* device, krait_event** out, krait_error* err);
    void (*event_destroy)(krait_event* event);
    /* After all work before it in the queue, the event's value becomes `value` (larger than before). */
    krait_status (*queue_signal)(krait_queue* queue, krait_event* event, uint64_t value, krait_error* err);
    /* Work after it in the queue starts once the event's value is at least `value`. Same device only: between
     * devices the host waits (event_wait) and then submits. */
    krait_status (*queue_wait)(krait_queue* queue, krait_event* event, uint64_t value, krait_error* err);
    uint64_t (*event_value)(krait_event* event);
    /* The host waits; UNAVAILABLE when timeout_ns passes first. */
    krait_status (*event_wait)(krait_event* event, uint64_t value, uint64_t timeout_ns, krait_error* err);
} krait_backend;

/* Bytes of each struct with a struct_size in version 2.0: a smaller one is refused. A field that a later version appends is
 * there where struct_size reaches to its end; it begins behind the padding that version 2.0 ended with, which sizeof counts
 * too. The last field may be a pointer, whose own size is meant: NOLINTNEXTLINE(bugprone-sizeof-expression) */
#define KRAIT_SIZE_TO(type, last) ((uint32_t)(offsetof(type, last) + sizeof(((type*)0)->last)))
#define KRAIT_GRAPH_SIZE_2_0 KRAIT_SIZE_TO(krait_graph, dim_max)
#define KRAIT_DEVICE_INFO_SIZE_2_0 KRAIT_SIZE_TO(krait_device_info, auto_rank)
#define KRAIT_DEVICE_CAPABILITIES_SIZE_2_0 KRAIT_SIZE_TO(krait_device_capabilities, half_rounding)
#define KRAIT_OPEN_PARAMS_SIZE_2_0 KRAIT_SIZE_TO(krait_open_params, executor)
#define KRAIT_MEMORY_DESC_SIZE_2_0 KRAIT_SIZE_TO(krait_memory_desc, n_uses)
#define KRAIT_HOST_SIZE_2_0 KRAIT_SIZE_TO(krait_host, cache_directory)
#define KRAIT_BACKEND_SIZE_2_0 KRAIT_SIZE_TO(krait_backend, event_wait)

/* The one symbol a plugin exports. Returns a table that lives as long as the library is loaded, or NULL where the
 * plugin cannot work with this host version. Must not start threads, open devices or fail. */
typedef const krait_backend* (*krait_plugin_query_fn)(uint32_t host_abi_version, const krait_host* host);
#define KRAIT_PLUGIN_QUERY_NAME "krait_plugin_query"

#ifdef __cplusplus
}
#endif
#endif
