# SPDX-License-Identifier: Apache-2.0
"""Models that tests share. $KRAIT_TEST_EFFORT=full runs what takes long with all that it can do, as .ci/nightly does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

import krait

# A shell starts programs in the background with SIGINT ignored, and their children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

FULL = os.environ.get("KRAIT_TEST_EFFORT") == "full"
# Two threads of its own at most: pytest shares the machine with others.
DEVICE = "cpu:threads=1"
TEMPLATE = ("{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
            "{% if add_generation_prompt %}assistant:{% endif %}")


@pytest.fixture(scope="session")
def model() -> Iterator[krait.Model]:
    with krait.demo(device=DEVICE) as made:
        yield made


@pytest.fixture
def session(model: krait.Model) -> Iterator[krait.Session]:
    with model.session(max_sequences=4, max_snapshots=4) as made:
        yield made
