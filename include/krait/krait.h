/* SPDX-License-Identifier: Apache-2.0
 *
 * Krait's C API: load a model, run sequences, read logits, sample, save and restore states. docs/glossary.md explains the
 * words. This header includes the others of this folder, one for each type of object.
 *
 * Errors.    A function that can fail returns krait_code, KRAIT_OK = 0, and fills the caller's krait_failure (may be NULL)
 *            with a sentence. Nothing throws, aborts or prints. A required pointer that is NULL, a value that an enum does not
 *            have, and an index or a sequence that does not exist are INVALID_ARGUMENT where no comment says otherwise. Where
 *            a call that makes an object fails, *out is NULL.
 * Ownership. Objects of krait_*_create and krait_*_load are freed with the krait_*_free of the same type (NULL is allowed). A
 *            session keeps its model alive. Pointers passed in are borrowed for the call; comments say how long returned
 *            pointers are valid. A getter that is given NULL answers NULL, 0 or -1.
 * Threads.   A model may be used from many threads at once; a session, a sampler, a detokenizer or a profile from one at a
 *            time. Lists of devices, the log and the folders of plugins may be used from any thread.
 * Structs.   Structs begin with struct_size: start from KRAIT_..._INIT, so that later versions can add fields. A struct_size
 *            of 0, beyond the library's own, or that cuts a field, is INVALID_ARGUMENT. krait_failure and krait_candidate have
 *            none, and never change.
 * Texts.     UTF-8, sizes in bytes. A text is NUL-terminated only where its comment says so.
 * Arrays.    A function with `capacity` and a result size (*n_tok, *size, *n_snapshot) always stores the full size. Where that
 *            is larger than capacity, nothing else is written and the call fails with INVALID_ARGUMENT. A call with NULL and
 *            capacity 0 asks for the size alone, and succeeds.
 */
#ifndef KRAIT_KRAIT_H
#define KRAIT_KRAIT_H

#include <krait/base.h>
#include <krait/device.h>
#include <krait/metadata.h>
#include <krait/model.h>
#include <krait/perplexity.h>
#include <krait/profile.h>
#include <krait/sampler.h>
#include <krait/session.h>
#include <krait/text.h>

#endif
