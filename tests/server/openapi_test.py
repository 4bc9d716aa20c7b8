#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI file of `krait serve` beside what it answers: schemathesis sends what the file allows, and what it does not.

    python3 tests/server/openapi_test.py KRAIT [SECONDS]    needs the package schemathesis
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from krait_server import Server

# Answers have the status, the type and the shape that the file says, and none of them is a defect of the server.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method"


def main() -> int:
    seconds = sys.argv[1] if len(sys.argv) > 1 else "30"
    server = Server("--slots", "8", "--log", "none", "--max-tokens", "4")
    try:
        command = [Path(sys.executable).parent / "schemathesis", "run", f"{server.url}/openapi.json", "--checks", CHECKS, "--seed", "1",
                   "--max-time", seconds, "--no-color"]
        with tempfile.TemporaryDirectory() as folder:  # where it writes down what it has learned
            done = subprocess.run(command, cwd=folder, check=False)
        alive = server.process.poll() is None
    finally:
        code = server.stop()
    return 0 if done.returncode == 0 and alive and code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
