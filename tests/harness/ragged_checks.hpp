// SPDX-License-Identifier: Apache-2.0
//
// Laws of the ops that carry a state from run to run, checked on one device against itself:
//   chunks  every sequence cut at random places and run piece by piece gives the rows and the states of one run
//   steps   so does one row of each sequence at a time
//   order   so do the same sequences in another order
//   snapshots are left out of the pieces, and the state after a cut at a snapshot's row equals it
#pragma once

#include "tests/harness/device_run.hpp"

namespace krait::harness {

Result<void> check_ragged_laws(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data);

}  // namespace krait::harness
