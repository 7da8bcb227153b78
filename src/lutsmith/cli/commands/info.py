"""`lutsmith info`: what a model file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lutsmith.cli.arguments import JsonOption, ModelArgument
from lutsmith.cli.output import deliver, facts_page, levels

if TYPE_CHECKING:
    from rich.console import Console

_NAMED = {"multilabel": "labels", "regression": "targets"}


def info(model: ModelArgument, json_output: JsonOption = False) -> None:
    """Show the parts of a model: encoder, LUTs by rank, depth, head, file size, and how it was trained."""

    def compute() -> dict[str, Any]:
        from lutsmith.circuit.file import load

        circuit = load(model)
        size = model.stat().st_size
        return {
            "model": str(model.resolve()),
            "file_bytes": size,
            **circuit.info(),
            "facts": circuit.metadata.to_json(),
        }

    deliver(compute, _show, json_output)


def _show(result: dict[str, Any], console: Console) -> None:
    classes = result["classes"]
    ranks = ", ".join(f"{count:,} of rank {rank}" for rank, count in result["luts_by_rank"].items())
    page = {
        "model": result["model"],
        "file size": f"{result['file_bytes']:,} bytes",
        "input": f"{' x '.join(map(str, result['input_shape']))} = {result['features']:,} features",
        "encoder": _encoder(result),
        "network": f"{result['luts']:,} LUTs ({ranks or 'none'}), {_counted(result['tables'], 'different table')}",
        "depth": levels(result["depth"]),
        "head": _head(result),
    }
    if "heads" in result:
        page |= {f"head {name}": _head(part) + _named(part) for name, part in result["heads"].items()}
    elif result["head"] != "integers":
        kind = _NAMED.get(result["task"], "classes")
        page[kind] = "without names" if classes is None else ", ".join(map(str, classes))
    if "parts" in result:
        page["parts"] = ", ".join(f"{name} ({_counted(count, 'instance')})" for name, count in result["parts"].items())
    if result["registers"]:
        page["registers"] = f"{result['registers']:,}"
    for name, value in result["facts"].items():
        page |= _trained(f"trained: {name}", value)
    facts_page(console, page)


def _encoder(result: dict[str, Any]) -> str:
    words = f", {_counted(result['word_bits'], 'bit')} of words" if "word_bits" in result else ""
    missing = f", {_counted(result['missing_values'], 'missing value')}" if "missing_values" in result else ""
    return f"{result['comparators']:,} comparators{words}{missing} on {result['features_used']:,} features"


def _head(result: dict[str, Any]) -> str:
    outputs = _counted(result["outputs"], "output bit")
    if result["head"] is None:
        return f"none: {outputs} are the result"
    if result["head"] == "several":
        return f"several on {outputs}"
    places = f" at each of {' x '.join(map(str, result['shape']))} places" if "shape" in result else ""
    if result["head"] == "integers":
        words = ", ".join(
            f"{word['name']} ({'signed' if word['signed'] else 'unsigned'}, {_counted(word['bits'], 'bit')})"
            for word in result["words"]
        )
        return f"integers of {outputs}{places}: {words}"
    scores = _counted(result["num_classes"], "score")
    objective = "" if result["task"] in (None, "classification") else f", {result['task']}"
    if result["affine"]:
        groups = _counted(result["num_groups"], "group")
        return f"{result['head']} of {outputs} in {groups}, affine map to {scores}{objective}{places}"
    return f"{result['head']} of {outputs} into {scores}{objective}{places}"


def _named(part: dict[str, Any]) -> str:
    return "" if part.get("classes") is None else f": {', '.join(map(str, part['classes']))}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _trained(name: str, value: object) -> dict[str, str]:
    """Return the lines of a fact: one for each field of a dict, one for all fields that are 0, none for those unset."""
    if not isinstance(value, dict):
        return {} if value in (None, []) else {name: _brief(value)}
    zero = [field for field, item in value.items() if item == 0 and not isinstance(item, bool)]
    given = {field: item for field, item in value.items() if field not in zero and item not in (None, {}, [])}
    lines = {f"{name}.{field}": _brief(item) for field, item in given.items()}
    return lines | ({f"{name}, all 0": ", ".join(zero)} if zero else {})


def _brief(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_brief(item)}" for name, item in value.items() if item not in (None, {}, []))
    if isinstance(value, list):
        shown = ", ".join(f"({_brief(item)})" if isinstance(item, dict) else _brief(item) for item in value[:10])
        return f"{shown}, ... ({len(value)})" if len(value) > 10 else shown
    return f"{value:.6g}" if isinstance(value, float) else str(value)
