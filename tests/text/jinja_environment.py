# SPDX-License-Identifier: Apache-2.0
"""The judge of chat templates: jinja2, set up as transformers sets it up. Needs the package jinja2 3.1."""

import datetime
import functools
import json
import warnings

import jinja2
import jinja2.ext
import jinja2.sandbox

warnings.simplefilter("ignore", SyntaxWarning)  # of odd expressions in random templates

NOW = datetime.datetime(2026, 3, 1, 12, 34, 56)


class Generation(jinja2.ext.Extension):
    """{% generation %} ... {% endgeneration %}, which marks what a model wrote; here it renders its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


@functools.cache
def environment():
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"])
    made.filters["tojson"] = tojson
    made.filters["from_json"] = json.loads
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = NOW.strftime
    return made


def render(template, variables):
    """(text, None), or (None, what went wrong)."""
    try:
        return environment().from_string(template).render(**variables), None
    except RecursionError:
        return None, "RecursionError"
    except Exception as error:  # whatever a template makes Python raise
        return None, f"{type(error).__name__}: {error}"
