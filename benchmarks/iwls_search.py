"""The functions of the IWLS 2020 contest by what learns any function, beside scikit-learn's boosting as it comes.

    python -m benchmarks.iwls_search [--data FOLDER] [--functions ex00 ex01 ...] [--ways additive ...] [--no-boosting]
                                     [--jobs N] [--json FILE]

No way knows of arithmetic: the ALU's cells, and cells that are learned from a bit (`benchmarks.iwls`), are left out.
Each way learns from the 6,400 training rows, of which some hold rows out for themselves; what is right on most of the
6,400 validation rows is kept, the first of equals; test rows are for the score alone. `polish` goes on from what is
best so far. Boosting (GradientBoostingClassifier and HistGradientBoostingClassifier, their defaults) learns from the
same rows; `boosting` is the one that is right on more validation rows.

    counts          A table of how many inputs are 1, memorised: entry by entry, what training rows say more often.
    additive        Additive learning by its defaults. `wide`: LUTs of 8 inputs, learned slowly; with `all rows` it
                    holds none out. `deep`: LUTs that read others too.
    memorize, pivotal, coordinate
                    Networks of random wires, by methods of search.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier

from lutsmith.additive import AdditiveSettings, AdditiveTrainer
from lutsmith.circuit import Circuit
from lutsmith.circuit.circuit_builder import CircuitBuilder
from lutsmith.data import Dataset, MissingDataError, from_arrays
from lutsmith.data.functions import KNOWN, BooleanFunction, load_function
from lutsmith.ground.arrays import packed
from lutsmith.kernels.counting import targets as counting
from lutsmith.search.polish import polish
from lutsmith.search.polish_settings import PolishSettings
from lutsmith.search.settings import SearchSettings
from lutsmith.search.trainer import SearchTrainer

BOOSTING = {"gradient": GradientBoostingClassifier, "histogram": HistGradientBoostingClassifier}
SUM, CARRY, MUX = [0, 1, 1, 0, 1, 0, 0, 1], [0, 0, 0, 1, 0, 1, 1, 1], [0, 1, 0, 1, 0, 0, 1, 1]


def additive(**settings: Any) -> Callable[[Dataset], Circuit]:
    return lambda dataset: AdditiveTrainer(AdditiveSettings(**settings)).fit(dataset)[1]


def search(method: str, luts: tuple[int, ...], **settings: Any) -> Callable[[Dataset], Circuit]:
    """A network of random wires, searched; the bits of its code are drawn."""

    def learn(dataset: Dataset) -> Circuit:
        network = {"layers": list(luts), "input_shape": list(dataset.input_shape), "bits": 1}
        return SearchTrainer(SearchSettings(method=method, network=network, code="drawn", **settings)).fit(dataset)[1]

    return learn


def counts(dataset: Dataset) -> Circuit:
    """Return full adders that count the inputs, and a table of the count."""
    builder = CircuitBuilder(dataset.input_shape)
    columns = [builder.compare(np.arange(dataset.x_train.shape[1]), np.full(dataset.x_train.shape[1], 0.5)).tolist()]
    for column in columns:  # one more follows as long as there are carries
        carries = []
        while len(column) > 1:
            read = [column.pop(0) for _ in range(min(3, len(column)))]
            column.append(int(builder.lut([read], [SUM[: 1 << len(read)]])[0]))
            carries.append(int(builder.lut([read], [CARRY[: 1 << len(read)]])[0]))
        if carries:
            columns.append(carries)
    number = dataset.x_train.sum(axis=1, dtype=np.int64)
    bits = packed((number >> np.arange(len(columns))[:, None] & 1).astype(np.bool_))
    told = np.empty((1, 2, 1 << len(columns)), np.int64)
    rows, wanted = np.arange(len(columns), dtype=np.int32)[None], packed(dataset.y_train[None] == 1)
    counting.count(bits, rows, wanted, np.zeros(1, np.int64), len(number), told)
    count = [column[0] for column in columns]
    tables = (told[0, 1] > told[0, 0]).astype(np.uint8).reshape(-1, 1 << min(len(count), 8))
    output = builder.lut(np.tile(count[:8], (len(tables), 1)), tables)
    for bit in count[8:]:  # of two halves the one that it says
        output = builder.lut([[*pair, bit] for pair in output.reshape(-1, 2).tolist()], [MUX] * (output.size // 2))
    builder.popcount(output, 1, weights=[[-1], [1]])
    return builder.build(classes=(0, 1))


WIDE = {"rank": 8, "pairs": 64, "exchanges": 6, "past": 0.7}
"""Of many inputs, so that few rows share an entry, and first ones are found that tell nothing alone."""

WAYS: Mapping[str, Callable[[Dataset], Circuit]] = {
    "counts": counts,
    "additive": additive(),
    "wide": additive(**WIDE, tau=30.0, max_luts=2000),
    "wide, all rows": additive(**WIDE, tau=30.0, max_luts=2000, validation=0.0),
    "deep": additive(**WIDE, depth=2, deep=0.2),
    "narrow, deep": additive(rank=(4, 6), depth=4, deep=0.5, exchanges=2),
    "memorize": search("memorize", (1024, 256, 64), steps=20, every=1),
    "greedy": search("greedy", (2048, 1024, 512), validation=0.0),
    "greedy, deep": search("greedy", (512,) * 8, options={"tau": 4.0, "exchanges": 2}, validation=0.0),
    "pivotal": search(
        "pivotal", (256, 64), options={"share": 0.25}, accept_share=0.2, steps=600, every=20, patience=20
    ),
    "coordinate": search("coordinate", (256, 64), accept_share=0.2, steps=600, every=20, patience=20),
}


def measure(name: str, data: Path | None, ways: tuple[str, ...], boosting: bool) -> dict[str, Any] | None:
    """Return what each way, and boosting, is worth on a function; None where there are no rows of it."""
    try:
        function = load_function(name, data)
    except MissingDataError:
        return None
    x, y, x_valid, y_valid = (
        bits.astype(np.uint8) for part in (function.train, function.valid) for bits in (part.x, part.y)
    )
    dataset = from_arrays(x, y, x_valid, y_valid, name=name)  # reports tell of validation rows; no way learns from them
    found: dict[str, dict[str, Any]] = {}
    best: tuple[float, str, Circuit] | None = None
    for way in ways:
        began = time.perf_counter()
        if way == "polish":
            if best is None:
                continue
            circuit = polish(best[2], dataset, PolishSettings(max_seconds=4.0)).circuit
        else:
            circuit = WAYS[way](dataset)
        found[way] = judged(lambda x, circuit=circuit: circuit.predict(x.astype(np.uint8)), function, began)
        found[way]["luts"] = circuit.netlist.num_nodes
        if best is None or found[way]["valid"] > best[0]:
            best = found[way]["valid"], way, circuit
    for kind, model in BOOSTING.items() if boosting else ():
        began = time.perf_counter()
        learned = model(random_state=0).fit(function.train.x, function.train.y)
        found[kind] = judged(learned.predict, function, began)
    return {
        "function": name,
        "kind": function.known.kind,
        "inputs": function.num_inputs,
        "chosen": None if best is None else best[1],
        "boosting": max(BOOSTING, key=lambda kind: found[kind]["valid"]) if boosting else None,
        "ways": found,
    }


def judged(predict: Callable[[Any], Any], function: BooleanFunction, began: float) -> dict[str, Any]:
    seconds = time.perf_counter() - began
    shares = {
        part: float((predict(rows.x) == rows.y).mean()) for part, rows in vars(function).items() if part != "name"
    }
    return {**shares, "seconds": seconds}


def measured(names: list[str], jobs: int, *arguments: Any) -> Iterator[dict[str, Any]]:
    if jobs == 1:
        yield from (row for name in names if (row := measure(name, *arguments)) is not None)
        return
    with ProcessPoolExecutor(jobs) as pool:
        try:
            yield from (row for row in pool.map(measure, names, *map(itertools.repeat, arguments)) if row is not None)
        finally:  # after an error no other function is begun
            pool.shutdown(wait=False, cancel_futures=True)


def shown(rows: list[dict[str, Any]], ways: tuple[str, ...]) -> Table:
    table = Table("function", "kind", "inputs", "chosen", "valid %", "test %", "boosting", "test %", "apart", "s")
    for row in rows:
        own, other = row["ways"].get(row["chosen"]), row["ways"].get(row["boosting"])
        table.add_row(
            row["function"],
            row["kind"],
            str(row["inputs"]),
            row["chosen"],
            *([""] * 2 if own is None else [f"{100 * own['valid']:.2f}", f"{100 * own['test']:.2f}"]),
            row["boosting"],
            "" if other is None else f"{100 * other['test']:.2f}",
            "" if own is None or other is None else f"{100 * (own['test'] - other['test']):+.2f}",
            f"{sum(found['seconds'] for way, found in row['ways'].items() if way in ways):.1f}",
        )
    return table


def told(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The means over all functions."""
    for title, way_of in (
        ("chosen on validation rows", lambda row: row["chosen"]),
        ("chosen without counts", lambda row: best_of(row, [w for w in row["ways"] if w not in {"counts", *BOOSTING}])),
        ("boosting, chosen on validation rows", lambda row: row["boosting"]),
        *((way, lambda _, way=way: way) for way in rows[0]["ways"]),
    ):
        if all(way_of(row) in row["ways"] for row in rows):
            of = [row["ways"][way_of(row)] for row in rows]
            mean = {part: 100 * statistics.mean(one[part] for one in of) for part in ("train", "valid", "test")}
            seconds = statistics.mean(one["seconds"] for one in of)
            yield (
                f"{title:36} test {mean['test']:6.2f}  valid {mean['valid']:6.2f}  train {mean['train']:6.2f}  "
                f"{seconds:6.2f} s a function"
            )


def best_of(row: dict[str, Any], ways: list[str]) -> str | None:
    return max(ways, key=lambda way: row["ways"][way]["valid"], default=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--functions", nargs="+", default=list(KNOWN), metavar="NAME")
    parser.add_argument("--ways", nargs="*", default=[*WAYS, "polish"], choices=[*WAYS, "polish"], metavar="WAY")
    parser.add_argument("--no-boosting", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows, ways = [], tuple(arguments.ways)
    for row in measured(arguments.functions, arguments.jobs, arguments.data, ways, not arguments.no_boosting):
        rows.append(row)
        print(row["function"], *(f"{way} {100 * one['valid']:.2f}" for way, one in row["ways"].items()), flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(rows, indent=1), "utf-8")
    if not rows:
        raise SystemExit("no rows of these functions")
    Console(width=140).print(shown(rows, ways))
    print(f"means of {len(rows)} functions, %:", *told(rows), sep="\n")


if __name__ == "__main__":
    main()
