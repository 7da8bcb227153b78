"""`--config run.toml`: the options of a command from a file; what stands on the command line counts more.

    task = "mnist"
    method = "pivotal"
    seed = 1
    out = "runs/pivotal"

    [settings]  # as --set share=0.25
    share = 0.25
    batch = 1000

A key is the name of an option or an argument of the command, with - or _. `[settings]` and `[architecture]` are tables
of fields, where the command has --set.
"""

from __future__ import annotations

import inspect
import json
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from lutsmith.ground.arguments import check_options
from lutsmith.ground.strict_json import strict_loads

TABLES = ("settings", "architecture")
_TAKES: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "an integer"),
    float: ((int, float), "a number"),
    Path: ((str,), "a path, which is a text"),
}
"""What values a file may give for options of a type; for all others texts and numbers, or a list of them."""
_PAIRS = "lutsmith.config.fields"
"""Where the fields of a file wait for those of the command line, in the context's `meta`."""


def use_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the values of a file as the defaults of the command; a callback of `ConfigOption`."""
    if path is not None:
        command = context.command
        hints = get_type_hints(inspect.unwrap(command.callback)) if command.callback else {}
        given, pairs = read_config(path, command.params, hints)
        context.default_map = {**(context.default_map or {}), **given}
        context.meta[_PAIRS] = pairs
    return path


def add_fields(context: typer.Context, given: list[str] | None) -> list[str]:
    """Return the fields of the file, and then those of the command line; a callback of `SetOption`."""
    return [*context.meta.get(_PAIRS, ()), *(given or ())]


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", is_eager=True, callback=use_config, help="A TOML file with a key for each option."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        callback=add_fields,
        help="A field of the settings, or architecture.NAME=VALUE; any number of times.",
    ),
]


def read_config(path: Path, parameters: Iterable[Any], hints: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what a file says of a command's parameters, by their names, as the command line would have it; and the
    fields of its tables as `NAME=VALUE`.

    Raises:
        typer.BadParameter: no such file, one that is not TOML, keys that are not parameters, or values of other types
            than their `hints` say, tables among them.
    """
    known = {_key(parameter): parameter for parameter in parameters if parameter.name not in ("config", "more")}
    setting = known.pop("set", None)
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read: {error}") from None
    tables = [table for table in TABLES if setting is not None and isinstance(document.get(table), dict)]
    pairs = [f"{table}.{name}={_toml(value)}" for table in tables for name, value in document.pop(table).items()]
    rest = {key.replace("-", "_"): value for key, value in document.items()}
    try:
        check_options(str(path), rest, [*known, *(TABLES if setting is not None else ())])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if wrong := [key for key in rest if key in TABLES]:
        raise typer.BadParameter(f"{wrong[0]} in {path} is {rest[wrong[0]]!r}; expected a table, [{wrong[0]}]")
    given = {str(known[key].name): (key, value, known[key]) for key, value in rest.items()}
    return {name: _as_given(*each, hints.get(name)) for name, each in given.items()}, pairs


def fields_of(pairs: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the settings and the architecture that `NAME=VALUE` texts give: values as in TOML or JSON, else texts. The
    last one of a name counts.

    Raises:
        typer.BadParameter: a text without a name.
    """
    found: dict[str, dict[str, Any]] = {table: {} for table in TABLES}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        table, dot, field = name.strip().rpartition(".")
        if not sign or not field or (dot and table not in TABLES):
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE, such as batch=1000")
        found[table or "settings"][field] = _value(text)
    return found


def _value(text: str) -> Any:
    with suppress(tomllib.TOMLDecodeError):
        return tomllib.loads(f"value = {text}")["value"]
    with suppress(ValueError):
        return strict_loads(text)
    return text


def _key(parameter: Any) -> str:
    """Return what a parameter is called in a file: its longest option, or its name."""
    if parameter.param_type_name == "argument":
        return str(parameter.name)
    return str(max(parameter.opts, key=len)).lstrip("-").replace("-", "_")


def _toml(value: Any) -> str:
    """Return a value as TOML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(name))} = {_toml(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, (bool, str)):
        return json.dumps(value)
    return str(value)


def _as_given(name: str, value: Any, parameter: Any, hint: Any) -> Any:
    """Return a value as the command line gives it: lists of several, or one text."""
    several = bool(getattr(parameter, "multiple", False))
    if isinstance(value, dict):
        raise typer.BadParameter(f"{name} is a table, expected a value")
    kind = next((kind for kind in _TAKES if kind in (hint, *get_args(hint))), None)
    takes, expected = ((str, int, float), "a text") if kind is None else _TAKES[kind]
    listed = isinstance(value, list) and kind is None
    if any(type(item) not in takes for item in (value if listed else [value])):
        raise typer.BadParameter(f"{name} is {value!r}, expected {expected}")
    if isinstance(value, list):
        return [str(item) for item in value] if several else ",".join(map(str, value))
    if several:
        return [str(value)]
    return value if isinstance(value, bool) else str(value)
