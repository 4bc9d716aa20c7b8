# SPDX-License-Identifier: Apache-2.0
"""Schemas in the style of those that APIs and tools of models publish, and values for them, good and bad. For grammar_judges.py."""

import copy
import random

TEXT, NAME = {"type": "string"}, {"type": "string", "minLength": 1, "maxLength": 80}
FLAG, COUNT = {"type": "boolean"}, {"type": "integer", "minimum": 0}
ID = {"type": "string", "pattern": "^[a-z]{2,4}_[A-Za-z0-9]{8,24}$"}
SLUG = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 63}
VERSION = {"type": "string", "pattern": "^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)$"}
COLOR = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
PHONE = {"type": "string", "pattern": "^\\+[1-9]\\d{6,14}$"}
WHEN, DAY, UUID = ({"type": "string", "format": name} for name in ("date-time", "date", "uuid"))
MAIL, HOST, IPV4, URI = ({"type": "string", "format": name} for name in ("email", "hostname", "ipv4", "uri"))
CURRENCY = {"type": "string", "enum": ["EUR", "USD", "GBP", "JPY", "CHF"]}
PRICE = {"type": "number", "minimum": 0, "multipleOf": 0.01}
PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
LATITUDE, LONGITUDE = {"type": "number", "minimum": -90, "maximum": 90}, {"type": "number", "minimum": -180, "maximum": 180}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
YEAR = {"type": "integer", "minimum": 1900, "maximum": 2100}
TAGS = {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 20}, "maxItems": 8}
LABELS = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}, "maxProperties": 5}
SCORE = {"type": "integer", "minimum": -5, "maximum": 115}
HEADERS = {"type": "object", "patternProperties": {"^X-[A-Za-z-]+$": {"type": "string"}}, "additionalProperties": False}


def options(*words):
    return {"type": "string", "enum": list(words)}


def maybe(schema):
    return {"anyOf": [schema, {"type": "null"}]}


def record(required, **properties):
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


ADDRESS = record("street city country", street=NAME, city=NAME, zip={"type": "string", "pattern": "^[0-9]{4,6}$"}, country={"type": "string", "pattern": "^[A-Z]{2}$"})
MONEY = record("amount currency", amount=PRICE, currency=CURRENCY)
POINT = record("lat lon", lat=LATITUDE, lon=LONGITUDE)

RESOURCES = {
    "user": record("id email", id=ID, email=MAIL, name=NAME, age={"type": "integer", "minimum": 0, "maximum": 150}, address=ADDRESS, roles={"type": "array", "items": options("admin", "editor", "viewer")}),
    "order": record("id items total", id=ID, items={"type": "array", "minItems": 1, "items": record("sku quantity", sku=SLUG, quantity={"type": "integer", "minimum": 1, "maximum": 999}, price=MONEY)}, total=MONEY, note=maybe(TEXT)),
    "invoice": record("number due", number={"type": "string", "pattern": "^INV-\\d{6}$"}, due=DAY, lines={"type": "array", "items": MONEY, "maxItems": 20}, paid=FLAG),
    "weather": record("place unit", place=NAME, unit=options("celsius", "fahrenheit"), days={"type": "integer", "minimum": 1, "maximum": 14}),
    "search": record("query", query={"type": "string", "minLength": 1, "maxLength": 200}, limit={"type": "integer", "minimum": 1, "maximum": 100}, sort=options("relevance", "date"), filters=LABELS),
    "event": record("title start", title=NAME, start=WHEN, end=WHEN, guests={"type": "array", "items": MAIL, "maxItems": 50}, where=maybe(POINT)),
    "repository": record("owner name", owner=SLUG, name=SLUG, private=FLAG, stars=COUNT, topics=TAGS, homepage=maybe(URI)),
    "issue": record("title state", title=NAME, state=options("open", "closed"), body=maybe(TEXT), labels={"type": "array", "items": record("name color", name=NAME, color=COLOR)}, assignee=maybe(SLUG)),
    "container": record("image", image={"type": "string", "pattern": "^[a-z0-9./-]+(:[\\w.-]{1,128})?$"}, ports={"type": "array", "items": record("port", port=PORT, protocol=options("TCP", "UDP"))}, env={"type": "object", "additionalProperties": TEXT}, replicas={"type": "integer", "minimum": 0, "maximum": 50}),
    "server": record("host port", host=HOST, port=PORT, address=IPV4, tls=FLAG, headers=HEADERS),
    "payment": record("amount method", amount=MONEY, method={"oneOf": [record("kind last4", kind={"const": "card"}, last4={"type": "string", "pattern": "^\\d{4}$"}), record("kind iban", kind={"const": "bank"}, iban={"type": "string", "pattern": "^[A-Z]{2}\\d{2}[A-Z0-9]{10,30}$"})]}),
    "product": record("sku title price", sku=SLUG, title=NAME, price=PRICE, stock=COUNT, rating={"type": "number", "minimum": 0, "maximum": 5}, dimensions={"type": "array", "prefixItems": [PRICE, PRICE, PRICE], "items": False}),
    "contact": record("name", name=NAME, phone=PHONE, email=MAIL, birthday=maybe(DAY)),
    "route": record("from to", **{"from": POINT, "to": POINT, "via": {"type": "array", "items": POINT, "maxItems": 5}, "mode": options("car", "bike", "foot", "train")}),
    "recipe": record("title steps", title=NAME, steps={"type": "array", "items": {"type": "string", "minLength": 3}, "minItems": 1}, minutes={"type": "integer", "exclusiveMinimum": 0, "multipleOf": 5}, servings={"type": "integer", "minimum": 1, "maximum": 24}),
    "movie": record("title year", title=NAME, year=YEAR, genres={"type": "array", "items": options("drama", "comedy", "horror", "science fiction")}, score=PERCENT),
    "ticket": record("id priority", id=UUID, priority={"enum": ["low", "high", 1, 2, None]}, opened=WHEN, tags=TAGS),
    "sensor": record("id values", id=UUID, values={"type": "array", "items": {"type": "number", "exclusiveMinimum": -273.15}, "maxItems": 10}, unit=options("K", "C"), battery=PERCENT),
    "account": record("iban balance", iban={"type": "string", "minLength": 15, "maxLength": 34}, balance={"type": "number"}, limit={"type": "number", "maximum": 0}, currency=CURRENCY),
    "release": record("version", version=VERSION, date=DAY, assets={"type": "array", "items": record("name size", name=NAME, size={"type": "integer", "minimum": 0, "maximum": 20000000000})}, draft=FLAG),
    "node": {"$defs": {"node": record("value", value={"type": "integer"}, children={"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 3})}, "$ref": "#/$defs/node"},
    "expression": {"$defs": {"e": {"anyOf": [{"type": "number"}, record("op args", op=options("+", "-", "*"), args={"type": "array", "items": {"$ref": "#/$defs/e"}, "minItems": 2, "maxItems": 2})]}}, "$ref": "#/$defs/e"},
    "message": record("role content", role=options("system", "user", "assistant"), content={"anyOf": [TEXT, {"type": "array", "items": record("type text", type={"const": "text"}, text=TEXT)}]}),
    "game": record("players", players={"type": "array", "minItems": 2, "maxItems": 4, "items": record("name score", name=NAME, score=SCORE)}, finished=FLAG),
    "policy": record("statements", statements={"type": "array", "minItems": 1, "items": record("effect actions", effect=options("Allow", "Deny"), actions={"type": "array", "items": {"type": "string", "pattern": "^[a-z]+:[A-Z][A-Za-z]*$"}})}),
}


def all_schemas():
    """(name, schema): every resource in each of nine forms."""
    for name, resource in RESOURCES.items():
        definitions = {"$defs": resource["$defs"]} if "$defs" in resource else {}
        bare = {key: value for key, value in resource.items() if key != "$defs"}
        yield name, resource
        yield f"{name}.list", {**definitions, **record("data", data={"type": "array", "items": bare, "maxItems": 3}, next=maybe(ID))}
        yield f"{name}.event", {**definitions, **record("type object", type={"const": f"{name}.created"}, object=bare, created=COUNT)}
        yield f"{name}.call", {**definitions, **record("name arguments", name={"const": f"create_{name}"}, arguments=bare)}
        yield f"{name}.result", {**definitions, "anyOf": [bare, record("error", error=record("code message", code={"type": "integer", "minimum": 400, "maximum": 599}, message=TEXT))]}
        yield f"{name}.map", {**definitions, "type": "object", "additionalProperties": bare, "minProperties": 1, "maxProperties": 2}
        yield f"{name}.named", {**definitions, "type": "object", "propertyNames": {"pattern": "^[a-z]{1,8}$"}, "additionalProperties": bare}
        yield f"{name}.pair", {**definitions, "type": "array", "prefixItems": [bare, {"type": "boolean"}], "items": False, "minItems": 2}
        if "$ref" not in bare:
            yield f"{name}.open", {**{key: value for key, value in bare.items() if key != "additionalProperties"}, "minProperties": 2}


STRINGS = {
    ID["pattern"]: ["usr_aB3dE5fG", "or_1234567890abcdef"], SLUG["pattern"]: ["a", "web-1", "my-first-app"], VERSION["pattern"]: ["0.1.0", "12.0.33"],
    COLOR["pattern"]: ["#00ffAA"], PHONE["pattern"]: ["+4915112345678"], "^[0-9]{4,6}$": ["1010", "90210"], "^[A-Z]{2}$": ["DE", "US"],
    "^INV-\\d{6}$": ["INV-001234"], "^[a-z0-9./-]+(:[\\w.-]{1,128})?$": ["nginx", "ghcr.io/a/b:v1.2"], "^\\d{4}$": ["4242"],
    "^[A-Z]{2}\\d{2}[A-Z0-9]{10,30}$": ["DE89370400440532013000"], "^[a-z]+:[A-Z][A-Za-z]*$": ["s3:GetObject"], "^[a-z]{1,8}$": ["key", "other"],
    "^X-[A-Za-z-]+$": ["X-Request-Id", "X-Trace"],
}
FORMATS = {"date-time": ["2026-11-30T08:15:00Z", "1999-01-31T23:59:59.5+02:00"], "date": ["2026-11-30", "2024-02-29"], "uuid": ["123e4567-e89b-12d3-a456-426614174000"],
           "email": ["ada@example.org", "a.b+c@mail.example.com"], "hostname": ["example.org", "a-1.b"], "ipv4": ["10.0.0.1", "255.255.255.255"], "uri": ["https://example.org/a?b=c#d", "urn:a:b"]}
WORDS = ["", "a", "Ada Lovelace", "naïve café", "日本語", "line\nbreak \"quoted\" \\ slash/", "🦙", "x" * 25, "tab\there"]


def value_of(schema, root, pick, depth=0):
    """A value for which the schema holds; members in its order."""
    if "$ref" in schema:
        return value_of(root["$defs"][schema["$ref"].rpartition("/")[2]], root, pick, depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return pick.choice(schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return value_of(schema[several][0] if depth > 6 else pick.choice(schema[several]), root, pick, depth + 1)
    kind = schema.get("type")
    if kind == "object":
        properties, required = schema.get("properties", {}), schema.get("required", [])
        value = {name: value_of(inner, root, pick, depth + 1) for name, inner in properties.items()
                 if name in required or (depth < 5 and pick.random() < 0.6)}
        other = schema.get("additionalProperties", {"type": "integer", "minimum": 0} if "minProperties" in schema else False)
        low, high = max(0, schema.get("minProperties", 0) - len(value)), schema.get("maxProperties", 3) - len(value)
        for pattern, inner in schema.get("patternProperties", {}).items():
            if pick.random() < 0.5:
                value[pick.choice(STRINGS[pattern])] = value_of(inner, root, pick, depth + 1)
        if other is not False:
            for name in pick.sample(["key", "other", "third", "fourth"], max(low, min(max(high, 0), pick.randrange(3)))):
                value[name] = value_of(other, root, pick, depth + 1)
        return value
    if kind == "array":
        first = [value_of(inner, root, pick, depth + 1) for inner in schema.get("prefixItems", [])]
        if schema.get("items") is False:
            return first
        low, high = schema.get("minItems", 0), schema.get("maxItems", 3)
        count = low if depth > 5 else pick.randint(low, max(low, min(high, low + 2)))
        return first + [value_of(schema["items"], root, pick, depth + 1) for _ in range(count)]
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", -1000 if "maximum" in schema or "multipleOf" not in schema else 0))
        high = schema.get("maximum", max(low, 0) + 1000)
        step = schema.get("multipleOf", 1)
        if step > 1:
            return step * pick.randint(1, 20)
        if kind == "integer":
            return pick.choice([pick.randint(low + ("exclusiveMinimum" in schema), high), high])
        return pick.choice([round(pick.uniform(low, high), 2), int(pick.uniform(low, high))])
    if kind == "boolean":
        return pick.random() < 0.5
    if kind == "null":
        return None
    if "pattern" in schema:
        return pick.choice(STRINGS[schema["pattern"]])
    if "format" in schema:
        return pick.choice(FORMATS[schema["format"]])
    words = [word for word in WORDS if schema.get("minLength", 0) <= len(word) <= schema.get("maxLength", 10**9)]
    return pick.choice(words or ["x" * schema["minLength"]])


def spoilt(value, pick):
    """The value with one change somewhere, which may or may not make it wrong."""
    value = copy.deepcopy(value)
    places = []

    def collect(container):
        items = list(container.items()) if isinstance(container, dict) else list(enumerate(container))
        for key, inner in items:
            places.append((container, key))
            if isinstance(inner, (dict, list)):
                collect(inner)

    if isinstance(value, (dict, list)):
        collect(value)
    if not places or pick.random() < 0.1:
        return pick.choice([None, 1, "text", [], {}, True, -1.5])
    container, key = pick.choice(places)
    old = container[key]
    change = pick.randrange(6)
    if change == 0:
        del container[key]
    elif change == 1 and isinstance(container, dict):
        container[pick.choice(["extra", "id2", "Name", "x-y"])] = pick.choice([1, "x", None, {}])
    elif change == 2 and isinstance(old, str):
        container[key] = pick.choice([old + "!", old[:-1], old.upper(), "", old * 12, " " + old])
    elif change == 3 and isinstance(old, (int, float)) and not isinstance(old, bool):
        container[key] = pick.choice([-old - 1, old + 0.5, old * 1000, old + 0.001, str(old)])
    elif change == 4 and isinstance(old, list):
        container[key] = old * 3 if old else [1]
    else:
        container[key] = pick.choice([None, 17, "wrong", [], {}, False, 0.125])
    return value


def texts_of(schema, seed, n_good=4, n_bad=8):
    import json
    pick = random.Random(seed)
    good = [value_of(schema, schema, pick) for _ in range(n_good)]
    bad = [spoilt(pick.choice(good), pick) for _ in range(n_bad)]
    return [(value, json.dumps(value, ensure_ascii=False, **form)) for value in good + bad
            for form in [pick.choice([{}, {"indent": 2}, {"separators": (",", ":")}])]]
