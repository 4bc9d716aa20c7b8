#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes chat_cases.json: templates, their variables, and the text that jinja2 gives, or that it fails. Needs jinja2 3.1:
   python3 tests/text/data/make_chat_cases.py"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from jinja_environment import render  # noqa: E402

CHAT = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello \"you\" é🦙"},
        {"role": "assistant", "content": "Hi\nthere", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1, "b": [True, None, 1.5]}}}]},
        {"role": "user", "content": " Bye "}]
VARIABLES = {"messages": CHAT, "n": 7, "x": 2.5, "s": "Straße <b> & 'q'", "none_value": None, "yes": True, "no": False,
             "d": {"b": 1, "a": "two", "items": 3, "C": None}, "l": [3, 1, 2], "words": ["b", "A", "a", "C"], "empty": [], "nothing": "",
             "tree": [{"v": 1, "c": [{"v": 2, "c": []}, {"v": 3, "c": [{"v": 4, "c": []}]}]}],
             "users": [{"name": "Bo", "age": 3, "on": True}, {"name": "al", "age": 30, "on": False}, {"name": "Cy", "age": 9}],
             "tools": [{"type": "function", "function": {"name": "get", "parameters": {"properties": {}, "required": []}}}],
             "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True, "big": 1e20, "deep": [[1, [2, {"k": [3]}]]]}

# Expressions, each printed.
EXPRESSIONS = """
none | true | false | 1.0 | [1, 'a', none] | {'a': 1, 'b': [2.0]} | (1,) | () | 1, 2 | missing | big | 1e16 | 1e-5 | 123456789.123 | 0.1 + 0.2
-7 % 3 | 7 // 2 | 2 ** 3 | 7 / 2 | 2 ** 3 ** 2 | -2 ** 2 | 7.5 // 2 | -7 // 2 | -7.5 % 2 | 5 % -3 | 1 / 3 | 10 / 5 | 2 ** -1 | 0x1F | 0b101 | 0o17 | 1_000 | 1e3
1 + 2 ~ 3 | 'a' + 1 ~ 'b' | 'a' ~ 1 ~ none ~ true | 1 < 2 < 3 | 1 < 3 < 2 | 3 > 2 >= 2 | 1 == 1.0 | true == 1 | 'a' < 'b' | [1, 2] < [1, 3] | 'a' == 1 | none == missing
'a' 'b' "c" | 'x' if false | 'x' if true else 'y' | 'x' if no else 'y' if yes else 'z' | not yes | not missing | yes and 'a' or 'b' | nothing or 'd' | l and s
'a' in 'cat' | 'z' not in 'cat' | 1 in l | 'a' in d | 'x' in missing | missing in l | 1 in {1: 2} | 'content' in messages[0]
n in none_value | 1 + 'a' | missing + 'x' | missing.attribute | missing['x'] | 1 < 'a' | none < 1 | l + 1 | -s | missing()
messages[0].role | messages[-1]['content'] | messages[99] | messages[0].missing | messages[0]['missing'] | d.items is callable | d['items'] | d.b | d['C'] | l.0 | d.b.c
l[1:] | l[:1] | l[::-1] | l[-2:] | l[5:] | s[1:4] | s[::-1] | s[4] | s[-1] | s[::2] | 'abcdef'[4:1:-2] | l[:none] | l[0:10:0] | l[true] | 'é🦙x'[1] | 'é🦙x'[1:]
s|length | l|length | missing|length | d|length | none|length | n|length | '🦙'|length | messages|count
none|default('d') | missing|default('d') | none|default('d', true) | ''|default('d', true) | missing|default | missing|d('e') | 0|default(1, boolean=true)
s|upper | s|lower | s|title | s|capitalize | 'hello wORLD-foo (bar)'|title | "they're bill's"|title | 'ÉCOLE'|lower | 'école'|upper | 'ÉCOLE'|capitalize
'  a b  '|trim | 'xxaxx'|trim('x') | '\\u00a0a\\u2003'|trim | '\\n a'.strip() | ' a '.lstrip() ~ '|' | 'aab'.rstrip('ab') | 'abc'.lstrip('ba') | 'x'.strip('')
'a,b,,c'.split(',') | 'a  b c '.split() | 'a b c d'.split(' ', 2) | 'a b c d'.rsplit(' ', 1) | ' a  b  c '.split(none, 1) | ' a  b  c '.rsplit(none, 1) | ''.split() | ''.split(',') | 'abc'.split('')
'a</t>b</t>c'.split('</t>')[-1] | 'a-b-c'.partition('-') | 'a-b-c'.rpartition('-') | 'abc'.partition('-') | 'a\\nb\\r\\nc\\n'.splitlines() | 'a\\nb'.splitlines(true)
'abcabc'.replace('b', 'X') | 'abcabc'.replace('b', 'X', 1) | 'abc'.replace('', '-') | 'abc'|replace('b', 'XX') | 'aaa'|replace('a', 'b', 2) | 'abc'.replace('z', '')
'abc'.startswith('ab') | 'abc'.endswith(('x', 'c')) | 'abc'.startswith('b', 1) | 'abcb'.find('b') | 'abcb'.rfind('b') | 'abc'.find('z') | 'abc'.index('z') | 'aXbX'.count('X') | 'éa'.find('a')
'abc'.upper() | 'ABC'.lower() | 'aB'.swapcase() | "it's".title() | 'abC'.capitalize() | '42'.zfill(5) | '-42'.zfill(5) | 'a'.center(4, '*') ~ 'b'.ljust(3) ~ 'c'.rjust(3) | 'ab'.center(5, '*')
'12'.isdigit() | 'a1'.isalpha() | 'a1'.isalnum() | ' '.isspace() | 'AB'.isupper() | 'aB'.islower() | ''.isdigit() | 'foobar'.removeprefix('foo') | 'foobar'.removesuffix('bar')
'{} and {}'.format(1, 'b') | '{1}{0}'.format('a', 'b') | '{x}!'.format(x=3) | '{{}}'.format() | '{}'.format() | '-'.join(['a', 'b']) | '-'.join([1]) | ', '.join(words)
'%s is %d' % ('a', 3) | '%5.2f|' % 3.14159 | '%-5s|' % 'a' | '%05d' % 42 | '%x %X %o' % (255, 255, 8) | '%%' % () | '%s' % none | '%r' % 'a' | '%d' % 'a' | '%s %s' % 'a' | '%(a)s' % {'a': 1} | '%+d' % 3 | '%e' % 12345.678 | '%g' % 0.0001 | '%c' % 'x' | '%.2s' % 'abc' | '12' % missing | '12' % 3
'%s-%s'|format('a', 'b') | '%(k)s'|format(k=1) | "Hello %s"|format(s)
l|first | l|last | empty|first | s|first | l|sum | l|min | l|max | empty|min | users|sum(attribute='age') | users|max(attribute='age') | words|min | l|sum(start=10)
l|sort | words|sort | words|sort(case_sensitive=true) | l|sort(reverse=true) | users|sort(attribute='age')|map(attribute='name')|list | users|sort(attribute='name')|map(attribute='age')|join(',') | users|sort(attribute='on,age')|list
words|unique|list | words|unique(case_sensitive=true)|list | users|unique(attribute='on')|map(attribute='name')|list | [1, 1.0, true]|unique|list | [[1], [1]]|unique|list | [{}]|unique|list | [(1, 2), (1, 2), (2,)]|unique|list | [(1, [2])]|unique|list | [none, missing, missing2]|unique|list|length | [range(2), range(2)]|unique|list | users|unique(attribute='on,age')|list|length | users|min(attribute='on,age') | [d.items()]|unique|list | [namespace(a=1)]|unique|list|length | [((('a',),),), ((('A',),),)]|unique|list
{(1, 2): 'a'} | {(1, 2): 'a'}[(1, 2)] | {(1, 2): 'a'}[1, 2] | {(1, 2): 'a'}[1,] | {(1, 2): 'a'}[1, 2, 3] is defined | l[0, 1] is defined | {(1, (2, 'b')): 3}[(1.0, (2, 'b'))] | (1, 2) in {(1, 2): 'a'} | (1, [2]) in {(1, 2): 'a'} | [1] in {1: 2} | {[1]: 2} | {(1, {}): 2} | {1: 2}[[1]] is defined | {(1, 2): 3}[(1, [2])] is defined | {(1,): 2}.get((1,)) | {1: 2}.get([1]) | {(1, 2): 3}|tojson | {(2, 1): 'x', (1, 9): 'y'}|dictsort | dict([((1, 2), 3)]) | {(1, 2): 3, (1.0, 2): 4} | {(): 1}[()] | {none: 1}[none] | {missing: 1}|length | {range(2): 1}[range(2)] | d[1:2] | {(1, 2): 3}.items()|list | {(1, 2): 3} == {(1, 2): 3}
l|join | l|join(', ') | words|join('-') | users|join(', ', attribute='name') | missing|join(',') | [1, none, 'a']|join('/') | 'abc'|join('.')
l|reverse|list | s|reverse | d|list | s|list | l|list is sameas l | 'ab'|list | missing|list | (1, 2)|list
d|items|list | d.items()|list | d.keys()|list | d.values()|list | missing|items|list | l|items|list | d|dictsort | d|dictsort(reverse=true) | {'b': 1, 'A': 2}|dictsort | {'b': 1, 'A': 2}|dictsort(true) | {'x': 2, 'y': 1}|dictsort(false, 'value')
d.get('a') | d.get('z') | d.get('z', 4) | messages[0].get('content') | d.get('C', 5) | d.get is callable
l|map('string')|list | words|map('upper')|join | users|map(attribute='name')|list | users|map(attribute='on', default='?')|list | l|map('default', 1)|list | words|map('replace', 'a', 'x')|list | messages|map(attribute='tool_calls.0.function.name')|list | l|map('nofilter')|list | none|map('upper')|list | none|selectattr('x')|list | false|reject('odd')|list | n[1:] | none_value[:2] | d[1:]
l|select('odd')|list | l|reject('odd')|list | l|select|list | [0, 1, '']|select|list | l|select('>', 1)|list | l|reject('equalto', 1)|list | words|select('in', ['a', 'C'])|list | l|select('nosuchtest')|list
users|selectattr('on')|map(attribute='name')|list | users|rejectattr('on')|map(attribute='name')|list | messages|selectattr('role', 'equalto', 'user')|list|length | messages|rejectattr('role', 'eq', 'user')|map(attribute='role')|list | users|selectattr('age', '>', 5)|list|length | users|selectattr('on', 'defined')|list|length
d|tojson | messages|tojson | l|tojson(indent=2) | d|tojson(indent=4) | empty|tojson(indent=2) | {}|tojson(indent=2) | s|tojson | 'é🦙\\x7f\\x01\\t'|tojson | 'é🦙\\x7f'|tojson(ensure_ascii=true) | 1.0|tojson | big|tojson | none|tojson | true|tojson | (1, 2)|tojson | d|tojson(sort_keys=true) | {'b': 1, 'a': 2}|tojson(sort_keys=true) | d|tojson(separators=(',', ':')) | {1: 2, none: 3, true: 4}|tojson | missing|tojson | deep|tojson(indent=1) | '</script>'|tojson | deep|tojson(indent='--') | d.items()|tojson
'{"a": [1, 2.5, null]}'|from_json | '"x"'|from_json ~ 1 | '[1'|from_json
'a\\nb\\n\\nc'|indent | 'a\\nb'|indent(2, true) | 'a\\n\\nb'|indent(2, blank=true) | 'a\\nb'|indent('> ') | 'a\\nb\\n'|indent(1) ~ '|' | ''|indent ~ '|' | 'a'|indent(width=3, first=true)
'3'|int | '3.7'|int | 'x'|int | 'x'|int(5) | '0x1f'|int(base=16) | 3.9|int | true|int | none|int | ' 12 '|int | '1_000'|int | 'x'|float | '2.5'|float | 3|float | '1e3'|float | missing|int
3.14159|round(2) | 2.5|round | 3|round | 2.675|round(2) | 2.1|round(method='ceil') | 2.9|round(0, 'floor') | -3|abs | -2.5|abs | 1.005|round(2)
s|escape | '<a href="x">'|e | n|string ~ 'x' | [1]|string | n|string is string | s|safe | none|string | x|string
l|batch(2)|list | l|batch(2, 'x')|list | 'a'|center(5) ~ '|' | 'abc'|length + 1 | -1|abs | 'a'|upper ~ 'b'|upper | (1 + 2)|string | not l|length | 1 + l|length * 2
missing is defined | s is defined | missing is undefined | none is none | s is string | d is mapping | l is sequence | d is sequence | s is sequence | n is sequence | s is iterable | n is iterable | d is iterable | missing is iterable | missing is sequence | missing is mapping | l|map('string') is sequence | d.items() is sequence
true is boolean | 1 is boolean | true is number | true is integer | 1 is integer | 1.0 is integer | 1.0 is float | 1 is float | yes is true | 1 is true | no is false | s is callable | range is callable | missing is callable | n is number | s is number
3 is odd | 4 is even | 9 is divisibleby 3 | 9 is divisibleby(2) | 1 is eq 1 | 1 is ne 2 | 1 is lt 2 | 2 is ge 2 | 3 is gt(4) | 'a' is in ['a'] | 'a' is in 'cat' | l is sameas l | 'abc' is lower | 'ABC' is upper | 'upper' is filter | 'odd' is test | n is not none | n is not string and n > 3 | 'a' is not in 'b'
1 is nosuchtest | s|nosuchfilter | nosuchfunction(1) | s.nosuchmethod() | s.upper(1) | l|join(1, 2, 3) | s|trim(nosuch=1) | raise_exception('no: ' ~ n) | 1 // 0 | 1 % 0 | 1 / 0
range(3)|list | range(1, 4)|list | range(5, 0, -2)|list | range(3)[1] | range(3)|length | range(200000)|length | range(2) | dict(a=1, b=2) | dict(d, z=1)|length | dict([('a', 1)]) | strftime_now('%Y-%m-%d') | strftime_now('%d %b %Y %H:%M:%S %A %j') | strftime_now('')
namespace(a=1).a | namespace(a=1).b is defined | joiner is callable | 'a' * 3 | [1] * 2 | 3 * 'ab' | [1] + [2] | (1,) + (2,) | 'a' * -1 | l * 2
"a'b" | ["a'b", 'a"b', 'a\\'"b'] | ['\\n\\t\\\\', 'é\\x00\\u200b'] | '\\x41\\u0042\\103' | 'a\\qb' | 'a\\
b' | [s] | {'k': "v'"} | [1e16, 1.5e-7, 100.0] | ['🦙']
""".strip("\n")

# Whole templates.
TEMPLATES = [
    "a\n  {% if true %}\n  b\n  {% endif %}\n c {{1}}\nd\n", "  {{ 1 }}\n", "\n\n{% if yes %}\n x\n{% endif %}\n\n", "a {%- if yes -%} b {%- endif -%} c",
    "a\n{%+ if yes +%}\nb{% endif %}\n", "{# c #}\na {# c #} b\n  {# c #}\nc {#- c -#} d", "x {{- ' y ' -}} z", "{% raw %}{{ x }} {% if %}{% endraw %}\nb",
    "a {%- raw -%} {{ y }} {%- endraw -%} b", "a\r\nb\rc\n{{ n }}\r\n", "{{ '\r\n' }}", "  {% set a = 1 %}  {{ a }}", "a  {% set a = 1 %}\n  b", "{{ n }}\n\n",
    "\t{%- if yes %}a{% endif %}", "{#-#}x{#- a -#}  y", "{{ {'a': {'b': 1}} }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ '}}' }} {% if '%}' %}y{% endif %}", "{ {x} }% {", "{{n}}{{ n}}{{n }}",
    "{% for i in l %}{{ i }}{{ ',' if not loop.last }}{% endfor %}", "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}",
    "{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for i in l %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {% endfor %}", "{% for i in l if i > 1 %}{{ loop.index }}/{{ loop.length }}:{{ i }} {% endfor %}",
    "{% for i in empty %}x{% else %}none{% endfor %}", "{% for i in missing %}x{% else %}none{% endfor %}", "{% for i in n %}x{% endfor %}", "{% for c in 'é🦙' %}[{{ c }}]{% endfor %}",
    "{% for i in l if i > 9 %}x{% else %}e{% endfor %}", "{% for i in l %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "{% for i in l %}{% if i == 1 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for a, b in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}", "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for (a, b), c in {(1, 2): 3}.items() %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for a, b in [1] %}x{% endfor %}", "{% for a, b in [(1, 2, 3)] %}x{% endfor %}",
    "{% for i in l %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for i in [1, 1, 2] %}{{ loop.changed(i) }} {% endfor %}", "{% for i in l %}{% for j in l %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for t in tree recursive %}{{ t.v }}{{ loop.depth }}({{ loop(t.c) }}){% endfor %}", "{% set x = 1 %}{% for i in l %}{% set x = i %}{{ x }}{% endfor %}{{ x }}", "{% if yes %}{% set x = 5 %}{% endif %}{{ x }}",
    "{% for i in l %}{{ seen }}{% set seen = i %}{{ seen }} {% endfor %}", "{% set ns = namespace(n=0) %}{% for i in l %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "{% set ns.x = 1 %}", "{% set n.x = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a = 1, 2 %}{{ a }}", "{% set a, b = [1] %}", "{% set a %}x{{ n }}{% endset %}{{ a|upper }}", "{% set a | upper | trim %} x {% endset %}[{{ a }}]",
    "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(a=4) }} {{ m(b=1, a=0) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}|{{ m(1, 2) }}", "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, z=3) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=1) }}", "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}", "{{ m(1) }}{% macro m(a) %}x{% endmacro %}", "{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}",
    "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(7) }}", "{% macro m(a) %}{% set ns = namespace(v=a) %}{{ ns.v }}{% endmacro %}{{ m(1)|int + 1 }}", "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}in{{ n }}{% endcall %}",
    "{% macro m(l) %}{% for i in l %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(x) m(l) %}<{{ x }}>{% endcall %}", "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% macro m(*a) %}x{% endmacro %}",
    "{% set f = [1, 2] %}{% macro m(a, b) %}{{ a }}/{{ b }}{% endmacro %}{{ m(*f) }} {{ m(**{'a': 3, 'b': 4}) }} {{ m(0, *[9]) }}", "{% set ns = namespace(v=1) %}{% macro m() %}{% set ns.v = ns.v + 1 %}{% endmacro %}{{ m() }}{{ m() }}{{ ns.v }}",
    "{% filter upper %}a{{ n }}b{% endfilter %}", "{% filter replace('a', 'x')|upper %}banana{% endfilter %}", "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z }}",
    "{% generation %}x{{ n }}{% endgeneration %}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}", "{% set j = joiner('|') %}{% for i in l %}{{ j() }}{{ i }}{% endfor %}", "{% print n, 1 %}",
    "{% if n > 5 %}a{% elif n > 3 %}b{% else %}c{% endif %}", "{% if no %}a{% elif yes %}b{% else %}c{% endif %}", "{% if no %}a{% endif %}", "{% if missing %}a{% else %}b{% endif %}", "{% if tools and tools|length > 0 %}t{% endif %}",
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% endfor %}",
    "{{ bos_token }}{% for m in messages[1:] %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}",
    "{%- set s2 = '' -%}{%- if messages[0]['role'] == 'system' -%}{%- set s2 = messages[0]['content']|trim -%}{%- set messages = messages[1:] -%}{%- endif -%}{{ s2 }}|{{ messages|length }}",
    "{% for m in messages %}{% if m.tool_calls is defined and m.tool_calls %}{% for t in m.tool_calls %}{{ t.function.name }}({{ t.function.arguments|tojson }}){% for k, v in t.function.arguments|items %}{{ k }}={{ v|tojson if v is not string else v }} {% endfor %}{% endfor %}{% endif %}{% endfor %}",
    "{% for m in messages[::-1] %}{% set i = (messages|length - 1) - loop.index0 %}{{ i }}{{ m.role }}{% endfor %}", "{% set ns = namespace(a=[]) %}{% for i in l %}{% set ns.a = ns.a + [i] %}{% endfor %}{{ ns.a }}",
    "{% for t in tools %}{{ t | tojson(indent=2) }}{% endfor %}", "{% set x = messages|selectattr('role', 'equalto', 'user')|list %}{{ x[-1].content }}", "{% if messages|selectattr('nothing') %}generator{% endif %}",
    "{% set g = l|map('string') %}{{ g|join }}{{ g|join }}", "{% macro m() %}{% endmacro %}[{{ m() }}]", "{% macro m() %}{% endmacro %}{{ m }}{{ [m] }}", "{{ loop }}", "{{ 'a' if missing is defined and missing.x else 'b' }}", "{{ missing.x.y is defined }}",
    # What cannot be parsed.
    "{{", "{% if %}", "{% if yes %}", "{% endif %}", "{{ 1 + }}", "{{ (1 }}", "{{ [1, 2 }}", "{{ 'a }}", "{% for in l %}{% endfor %}", "{% for x l %}{% endfor %}", "{% nosuch %}", "{# a", "{% raw %}a", "{{ 1 2 }}", "{{ a..b }}", "{{ }}",
    "{% set %}", "{% set 1 = 2 %}", "{% set true = 2 %}", "{% macro %}{% endmacro %}", "{% macro m(a=1, b) %}{% endmacro %}", "{{ f(a=1, 2) }}", "{{ f(**d, 1) }}", "{{ x is }}", "{{ x is defined is defined }}", "{{ x| }}", "{{ ] }}",
    "{% else %}", "{% if yes %}{% for %}{% endif %}", "{{ {1: 2, 3} }}", "{{ ? }}", "{% call 1 %}{% endcall %}", "{{ 'a' 'b }}", "{% filter %}{% endfilter %}", "{{ 01 }}", "{{ 1__0 }}", "{{ '\\x4' }}", "{% break x %}",
]


def main():
    sources = ["{{ " + line.strip() + " }}" for block in EXPRESSIONS.split("\n") for line in expressions(block)] + TEMPLATES
    cases = []
    for source in sources:
        text, error = render(source, json.loads(json.dumps(VARIABLES)))
        cases.append({"template": source, **({"text": text} if error is None else {"fails": error.split(":")[0]})})
    with open(HERE / "chat_cases.json", "w", encoding="utf-8") as file:
        json.dump({"variables": VARIABLES, "cases": cases}, file, ensure_ascii=False, indent=0)
        file.write("\n")
    print(f"{len(cases)} cases, of which {sum('fails' in case for case in cases)} fail")


def expressions(block):
    """The parts of a line between ' | '; a filter's '|' has no blanks around it."""
    return [part for part in block.split(" | ") if part.strip()]


if __name__ == "__main__":
    main()
