# SPDX-License-Identifier: Apache-2.0
"""`python -m krait.server` is `krait serve`: a model over HTTP (docs/server.md)."""

from krait.__main__ import main

if __name__ == "__main__":
    main("serve")
