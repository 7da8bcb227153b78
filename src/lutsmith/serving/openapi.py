"""What the server takes and answers, as an OpenAPI 3.1 document: of each model its columns, categories and classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lutsmith.circuit.results import Heads, IntegerHead, Result
from lutsmith.circuit.tabular import Schema
from lutsmith.serving.answers import classifies, has_probabilities
from lutsmith.serving.loaded import LoadedModel
from lutsmith.serving.problems import PROBLEM_JSON, PROBLEM_SCHEMA
from lutsmith.version import __version__

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
TEMPERATURES = (1e-6, 1e12)
"""The lowest and the highest temperature of probabilities."""

_LARGEST = 1.7976931348623157e308
_NUMBER = {"type": ["number", "boolean"], "minimum": -_LARGEST, "maximum": _LARGEST}
_NUMBER_OR_NULL = {**_NUMBER, "type": ["number", "boolean", "null"]}
_PROBLEMS = {
    400: "the body is not JSON or not a stream of Arrow",
    401: "no token, or another",
    404: "no such model",
    406: "neither JSON nor Arrow is accepted",
    408: "the body did not arrive in time",
    413: "too many bytes or rows",
    415: "the body is neither JSON nor Arrow",
    422: "rows that the model cannot read, or answers that it does not have",
    500: "a fault of the server",
    503: "too much to do: try again",
    504: "no answer in time",
}


def document(models: Mapping[str, LoadedModel], *, with_arrow: bool, with_token: bool) -> dict[str, Any]:
    """Return the document of a server.

    Args:
        models: by name.
        with_arrow: whether Arrow is read, for which pyarrow is needed.
        with_token: whether a token is needed.
    """
    paths: dict[str, Any] = {
        "/healthz": _get("health", "Whether the server runs.", _object({"status": {"const": "ok"}}), ()),
        "/readyz": _get("ready", "Whether every model answers, and whether as its file is now.", _READY, ()),
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Counts, in the text format of Prometheus.",
                "responses": {"200": {"description": "counts", "content": {"text/plain": {"schema": _TEXT}}}},
            }
        },
        "/openapi.json": _get("openapi", "This document.", {"type": "object"}, ()),
        "/models": _get("models", "All models.", _object({"models": {"type": "array", "items": _MODEL}}), ()),
    }
    for name, model in models.items():
        paths[f"/models/{name}"] = _get(f"model:{name}", f"What the model {name} is.", _MODEL, ())
        paths[f"/models/{name}/predict"] = {"post": _predict(name, model, with_arrow)}
    if with_token:
        for path, methods in paths.items():
            if path not in ("/healthz", "/readyz"):
                for operation in methods.values():
                    operation["responses"]["401"] = _problem(401)
                    operation["security"] = [{"token": []}]
    token = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}} if with_token else {}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Predictions of lutsmith",
            "version": __version__,
            "description": "Circuits of look-up tables that answer over HTTP.",
        },
        "paths": paths,
        "components": {"schemas": {"Problem": PROBLEM_SCHEMA}, **token},
    }


def described(name: str, model: LoadedModel, failure: str | None) -> dict[str, Any]:
    """Return what a server tells of a model."""
    circuit, schema = model.circuit, model.circuit.schema
    info = circuit.info()
    return {
        "name": name,
        "version": model.version,
        "loaded": model.since,
        "failure": failure,
        "task": circuit.metadata.task,
        "objective": circuit.objective,
        "classes": info["classes"],
        "input_shape": info["input_shape"],
        "columns": None if schema.names is None else list(schema.names),
        "answers": list(model.answers.kinds),
        "luts": info["luts"],
        "accuracy": None if circuit.metadata.accuracy is None else circuit.metadata.accuracy.value,
        "limits": model.limits.to_json(),
    }


def rows_schema(model: LoadedModel) -> dict[str, Any]:
    """Return the JSON schema of the rows of a request: all of them lists, or all of them records."""
    circuit = model.circuit
    schema, shape = circuit.schema, circuit.input_shape
    if model.json_rows.exact:
        whole = {"type": "integer", "minimum": -_LARGEST, "maximum": _LARGEST}
        return _of_rows(model, _nested(_NUMBER if model.json_rows.takes_fractions else whole, shape))
    if not schema.categories and schema.names is None:
        return _of_rows(model, _nested(_NUMBER_OR_NULL, shape))
    columns = [_column(schema, place, model) for place in range(schema.features)]
    listed: dict[str, Any] = {
        "type": "array",
        "title": "values by position",
        "prefixItems": columns,
        "minItems": len(columns),
        "maxItems": len(columns),
    }
    if len(shape) > 1 and not schema.categories:
        listed = {"anyOf": [listed, _fixed(_NUMBER_OR_NULL, shape)]}
    if schema.names is None or len(set(schema.names)) < len(schema.names):
        return _of_rows(model, listed)
    properties: dict[str, Any] = dict(zip(schema.names, columns, strict=True))
    if schema.label_name is not None:
        properties.setdefault(schema.label_name, {"description": "the label; it is not read"})
    record = {
        "type": "object",
        "title": "values by the names of columns",
        "properties": properties,
        "required": list(schema.names),
        "additionalProperties": False,
    }
    return {"anyOf": [_of_rows(model, record), _of_rows(model, listed)]}


def _of_rows(model: LoadedModel, row: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": row, "maxItems": model.limits.max_rows}


def _column(schema: Schema, place: int, model: LoadedModel) -> dict[str, Any]:
    names = schema.categories[place] if schema.categories else None
    if names is None:
        if model.bounds is None:
            return _NUMBER_OR_NULL
        low, high = (bound[place] for bound in model.bounds)
        return {**_NUMBER_OR_NULL, "description": f"in training {low:g} to {high:g}"}
    every: list[Any] = [*names, *(name for name in schema.pooled.get(place, ()) if name not in names)]
    if schema.unseen == "error":
        return {"enum": [*every, None]}
    further = "another name, or the number or truth value that a name says; an unknown one counts as missing"
    other = {**_NUMBER, "type": ["string", "number", "boolean"], "description": further}
    return {"anyOf": [{"enum": [*every, None]}, other]}


def _predict(name: str, model: LoadedModel, with_arrow: bool) -> dict[str, Any]:
    answers = model.answers
    body = _object({"rows": rows_schema(model)})
    body["additionalProperties"] = False
    arrow = {ARROW: {"schema": {"type": "string", "format": "binary"}}}
    with_arrow = with_arrow and not model.json_rows.exact
    parameters: list[dict[str, Any]] = [
        {
            "name": "answers",
            "in": "query",
            "description": f"what is answered, one or several; {answers.kinds[0]} where nothing is asked for",
            "style": "form",
            "explode": False,
            "schema": {
                "type": "array",
                "minItems": 1,
                "items": {"enum": list(answers.kinds)},
            },
        }
    ]
    if answers.probable:
        parameters.append(
            {
                "name": "temperature",
                "in": "query",
                "description": "probabilities are answered too, at this temperature: how many votes are worth a factor "
                "e of probability",
                "schema": {"type": "number", "minimum": TEMPERATURES[0], "maximum": TEMPERATURES[1]},
            }
        )
    codes = (400, 404, 406, 408, 413, 415, 422, 500, 503, 504)
    return {
        "operationId": f"predict:{name}",
        "summary": f"Predictions of the model {name}, a value for each row.",
        "parameters": parameters,
        "requestBody": {"required": True, "content": {JSON: {"schema": body}, **(arrow if with_arrow else {})}},
        "responses": {
            "200": {
                "description": "answers, in the order of the rows",
                "content": {JSON: {"schema": _answer_schema(model)}, **(arrow if with_arrow else {})},
            },
            **{str(code): _problem(code) for code in codes},
        },
    }


def _answer_schema(model: LoadedModel) -> dict[str, Any]:
    kinds = {kind: _of_parts(model, kind) for kind in (*model.answers.kinds, "probabilities")}
    told = _object({"model": {"type": "string"}, "version": {"type": "string"}})
    told["properties"] |= {**kinds, "warnings": {"type": "array", "items": _TEXT}}
    if not model.answers.probable:
        told["properties"].pop("probabilities")
    told["additionalProperties"] = False
    return told


def _of_parts(model: LoadedModel, kind: str) -> dict[str, Any]:
    if kind == "outputs":
        width = model.circuit.netlist.outputs.size
        return _rows(_fixed({"type": "boolean"}, (width,)))
    parts = model.answers.parts
    if kind == "probabilities" and not model.answers.probable:
        return {}
    if not isinstance(model.circuit.head, Heads):
        return _of_part(parts[""], kind)
    told = {
        name: _of_part(part, kind)
        for name, part in parts.items()
        if {"scores": part.has_scores, "probabilities": has_probabilities(part)}.get(kind, True)
    }
    return _object(told)


def _of_part(part: Result, kind: str) -> dict[str, Any]:
    head = part.head
    if isinstance(head, IntegerHead):
        words = {word.name: _rows(_fixed(_word(word.bits, word.signed), head.shape)) for word in head.words}
        return _object(words) if len(words) > 1 else next(iter(words.values()))
    width = head.num_classes
    if kind == "scores":
        return _rows(_fixed({"type": "integer"}, (*head.shape, width)))
    if kind == "probabilities":
        return _rows(_fixed({"type": "number", "minimum": 0, "maximum": 1}, (*head.shape, width)))
    if classifies(part):
        return _rows(_fixed({"enum": list(range(width)) if part.classes is None else list(part.classes)}, head.shape))
    if part.objective == "multilabel":
        return _rows(_fixed({"type": "boolean"}, (*head.shape, width)))
    return _rows(_fixed({"type": "number"}, (*head.shape, width) if width > 1 else head.shape))


def _word(bits: int, signed: bool) -> dict[str, Any]:
    if bits > 64:
        return {"type": "integer"}
    low = -(1 << bits - 1) if signed else 0
    return {"type": "integer", "minimum": low, "maximum": low + (1 << bits) - 1}


def _rows(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": value}


def _fixed(value: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    for size in reversed(shape):
        value = {"type": "array", "items": value, "minItems": size, "maxItems": size}
    return value


def _nested(cell: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    size = 1
    for length in shape:
        size *= length
    flat = _fixed(cell, (size,))
    return flat if len(shape) < 2 else {"anyOf": [flat, _fixed(cell, shape)]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _get(operation: str, summary: str, schema: dict[str, Any], problems: tuple[int, ...]) -> dict[str, Any]:
    found = {"description": summary, "content": {JSON: {"schema": schema}}}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "responses": {"200": found, **{str(code): _problem(code) for code in problems}},
        }
    }


def _problem(code: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _PROBLEMS[code], "content": {PROBLEM_JSON: {"schema": schema}}}


_TEXT = {"type": "string"}
_MODEL = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "version": _TEXT,
        "loaded": {"type": "number"},
        "failure": {"type": ["string", "null"]},
        "answers": {"type": "array", "items": _TEXT},
        "columns": {"type": ["array", "null"], "items": _TEXT},
        "input_shape": {"type": "array", "items": {"type": "integer"}},
    },
    "required": ["name", "version", "failure", "answers", "columns", "input_shape"],
}
_READY = _object({"status": {"enum": ["ok", "stale"]}, "models": {"type": "object"}})
