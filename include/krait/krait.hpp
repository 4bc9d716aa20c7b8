// SPDX-License-Identifier: Apache-2.0
//
// Krait for C++: krait.h with owning handles, spans and a Result. Header-only; every function says no more than its C
// counterpart, which has the contract.
//   namespace kr = krait::api;
//   auto model = kr::Model::load();                       // the demo model
//   if (!model) return complain(model.failure().message);
//   auto tokens = model->tokenize("It was");
#pragma once

#include <krait/krait.h>
#include <krait/chat.hpp>
#include <krait/engine.hpp>
#include <krait/grammar.hpp>
#include <krait/model.hpp>
#include <krait/profile.hpp>
#include <krait/session.hpp>
