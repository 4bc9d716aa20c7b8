/* SPDX-License-Identifier: Apache-2.0
 *
 * Krait's C API: load a model, run sequences, read logits, sample, save and restore states. docs/glossary.md explains the
 * words. This header includes the others of this folder, one for each type of object.
 *
 * Errors.    A function that can fail returns krait_code (KRAIT_OK = 0), and fills the caller's krait_failure (may be NULL)
 *            with the code and a sentence. Nothing throws, aborts or prints. A required pointer that is NULL, a value that an
 *            enum does not have, and an index or a sequence that does not exist are INVALID_ARGUMENT where no comment says
 *            otherwise. When a function that creates an object fails, *out is NULL.
 * Ownership. Objects of krait_*_create and krait_*_load are freed with the krait_*_free of the same type (NULL is allowed). A
 *            session keeps its model alive. Pointers passed in are used during the call only, where no comment says
 *            otherwise; comments say how long returned pointers are valid. A getter that is given NULL returns NULL, 0 or -1.
 * Threads.   A model and an engine may be used from many threads at once; a session, a sampler, a detokenizer, a state of a
 *            grammar or a profile from one at a time. Lists of devices, the log and the folders of plugins may be used from any
 *            thread.
 * Structs.   krait_failure and krait_candidate never change. Every other struct begins with struct_size, so that later versions
 *            can add fields: initialize it with its macro KRAIT_..._INIT, which sets struct_size. A struct_size that is 0, that
 *            is larger than the library's, or that ends inside a field is INVALID_ARGUMENT.
 * Texts.     UTF-8, sizes in bytes. A text is NUL-terminated only where its comment says so.
 * Callbacks. Each comes with a pointer (`user`, `context` of krait_executor) that Krait passes to it and does not use itself.
 * Arrays.    A function with `capacity` and a result size (*n_tok, *size, *n_snapshot) always stores the full size. Where that
 *            is larger than capacity, nothing else is written and the call fails with INVALID_ARGUMENT. A call with NULL and
 *            capacity 0 only asks for the size, and succeeds.
 */
#ifndef KRAIT_KRAIT_H
#define KRAIT_KRAIT_H

#include <krait/base.h>
#include <krait/chat.h>
#include <krait/device.h>
#include <krait/engine.h>
#include <krait/grammar.h>
#include <krait/metadata.h>
#include <krait/model.h>
#include <krait/perplexity.h>
#include <krait/profile.h>
#include <krait/sampler.h>
#include <krait/session.h>
#include <krait/text.h>

#endif
