# SPDX-License-Identifier: Apache-2.0
"""`krait` and `python -m krait`: the command, which takes the place of this process."""

import os
import sys

from krait.command import command_path


def main(*first: str) -> None:
    """first: words in front of the arguments."""
    path = command_path()
    os.execv(path, ["krait", *first, *sys.argv[1:]])


if __name__ == "__main__":
    main()
