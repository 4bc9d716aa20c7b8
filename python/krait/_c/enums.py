# SPDX-License-Identifier: Apache-2.0
"""The enums and constants of the C API. Made from include/krait/*.h by `tools/check --fix python_declarations`."""

from enum import IntEnum


class krait_code(IntEnum):
    OK = 0
    INVALID_ARGUMENT = 1
    NOT_FOUND = 2
    CORRUPT_FILE = 3
    UNSUPPORTED = 4
    OUT_OF_MEMORY = 5
    DEVICE_LOST = 6
    UNAVAILABLE = 7
    IO = 8
    CANCELLED = 9
    INTERNAL = 10


class krait_severity(IntEnum):
    DEBUG = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


class krait_event_kind(IntEnum):
    NONE = 0
    TOKEN = 1
    FINISHED = 2
    END = 3


class krait_finish(IntEnum):
    STOP = 0
    LENGTH = 1
    CANCELLED = 2
    DEADLINE = 3
    ERROR = 4


class krait_reuse(IntEnum):
    WHOLE_PROMPT = 0
    END_OF_COMMON = 1
    NEAREST_SNAPSHOT = 2
    EVICTED = 3
    NO_COMMON_PREFIX = 4
    OFF = 5


class krait_grammar_kind(IntEnum):
    GBNF = 0
    JSON_SCHEMA = 1
    REGEX = 2
    JSON_OBJECT = 3


class krait_value_form(IntEnum):
    SHORT = 0
    WHOLE = 1


class krait_explain_form(IntEnum):
    TABLE = 0
    DOT = 1


class krait_profile_runs(IntEnum):
    NODES = 0
    PLAIN = 1


class krait_phase(IntEnum):
    PROMPT = 0
    DECODE = 1


class krait_profile_group(IntEnum):
    NODE = 0
    NAME = 1
    OPERATOR = 2


class krait_want(IntEnum):
    NONE = 0
    LAST = 1
    ALL = 2
    TOP = 3


class krait_hidden(IntEnum):
    NONE = 0
    LAST = 1
    ALL = 2
    MEAN = 3


class krait_tokenize_flags(IntEnum):
    PLAIN = 0
    CONTROL = 1
    BEGIN = 2
    END = 4


class krait_detokenize_flags(IntEnum):
    TEXT = 0
    CONTROL = 1


KRAIT_LAYER_EMBEDDING = -1
KRAIT_LAYER_HEAD = -2
KRAIT_LAYER_SEVERAL = -3
