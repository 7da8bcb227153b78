"""Machine code: the same bits at every rank and vector width, used only when faster, and never from a bad cache."""

from __future__ import annotations

import math
import operator
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import Comparators, Netlist, NetlistBuilder
from lutsmith.circuit.engine import engine as engines
from lutsmith.circuit.engine import machine_code, recurring
from lutsmith.circuit.engine.engine import LARGE, Engine
from lutsmith.circuit.engine.plan import EnginePlan
from lutsmith.circuit.engine.workers import threads_limited
from lutsmith.ground.cache import CACHE_FOLDER
from lutsmith.kernels.engine import codegen, lanes, splits

from .examples import random_circuit, random_images, random_netlist


def network_of(netlist, run) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the outputs by the interpreter and by code, on random bits."""
    rows = []
    plan = EnginePlan(netlist, fixed=True, pools=False)
    for evaluate in (lambda values: lanes.evaluate(values, plan.fanin, plan.tables(), plan.groups), run(plan)):
        values = plan.values()
        shape = values[plan.input_rows].shape
        values[plan.input_rows] = np.random.default_rng(0).integers(0, 2**64, shape, dtype=np.uint64)
        evaluate(values)
        rows.append(values[plan.output_rows])
    return rows[0], rows[1]


@pytest.mark.parametrize(("width", "ternary"), [(16, False), (32, False), (None, None)])
@given(
    seed=st.integers(0, 2**32), inputs=st.integers(0, 20), luts=st.integers(0, 150), registers=st.integers(0, 3),
    outputs=st.integers(0, 30),
)  # fmt: skip
@settings(deadline=None, max_examples=12)
def test_code_is_the_interpreter_at_every_rank_and_width(
    width, ternary, seed, inputs, luts, registers, outputs
) -> None:
    netlist = random_netlist(seed, inputs=inputs, luts=luts, registers=registers, outputs=outputs, max_rank=6)
    original = codegen._Chunk.__init__

    def run(plan):
        with pytest.MonkeyPatch.context() as patch:
            if width:
                patch.setattr(
                    codegen._Chunk, "__init__", lambda self, _, __, splits: original(self, width, ternary, splits)
                )
            code = codegen.load(list(codegen.objects(machine_code.nodes(plan), lanes.ROW_BYTES)))
        return lambda values: code(values.ctypes.data)

    expected, given_rows = network_of(netlist, run)
    assert np.array_equal(expected, given_rows)


_OPERATIONS = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}


def interpreted(text: str, rows: dict[int, int], width: int) -> None:
    """Do what the assembly of a chunk says, on rows by their number, one bit wide."""
    values: dict[str, int] = {}
    for line in text.splitlines():
        if found := re.fullmatch(r"(%v\d+) = getelementptr %V, %V\* %vectors, i64 (\d+)", line):
            values[found[1]] = int(found[2]) * width // lanes.ROW_BYTES
        elif found := re.fullmatch(r"(%v\d+) = load %V, %V\* (%v\d+), align \d+", line):
            values[found[1]] = rows[values[found[2]]]
        elif found := re.fullmatch(r"store %V (%v\d+), %V\* (%v\d+), align \d+", line):
            rows[values[found[2]]] = values[found[1]]
        elif found := re.fullmatch(r"(%v\d+) = (and|or|xor) %V (%v\d+), (%v\d+)", line):
            values[found[1]] = _OPERATIONS[found[2]](values[found[3]], values[found[4]])
        elif found := re.fullmatch(r"(%v\d+) = call %V @\S+\(%V (%v\d+), %V (%v\d+), %V (%v\d+), i32 (\d+)\)", line):
            x, y, z = (values[found[place]] for place in (2, 3, 4))
            values[found[1]] = int(found[5]) >> (4 * x + 2 * y + z) & 1
        else:
            assert not re.match(r"%v\d", line), line


@pytest.mark.parametrize(("width", "ternary"), [(16, False), (32, False), (64, True)])
@given(seed=st.integers(0, 2**32), inputs=st.integers(0, 6), count=st.integers(1, 5), thin=st.integers(0, 3))
@settings(deadline=None, max_examples=30)
def test_code_for_machines_that_are_not_here_says_what_its_tables_say(
    width, ternary, seed, inputs, count, thin
) -> None:
    """The assembly, without LLVM: ternary logic too, which this processor need not have."""
    rng = np.random.default_rng(seed)
    tables = np.bitwise_and.reduce(rng.integers(0, 2**64, (thin + 1, count), dtype=np.uint64)).tolist()
    tables = [table & (1 << (1 << inputs)) - 1 for table in tables]
    nodes = [
        codegen.Node(
            (30 + place) * lanes.ROW_BYTES, tuple(lanes.ROW_BYTES * (20 + i) for i in range(inputs)), table, True
        )
        for place, table in enumerate(tables)
    ]
    found = splits.Splits([(inputs, table) for table in tables])
    text = codegen._Chunk(width, ternary, found).function("chunk", nodes, lanes.ROW_BYTES)
    for address in range(1 << inputs):
        rows = {0: 0, lanes.ONES_ROW: 1} | {20 + slot: address >> slot & 1 for slot in range(inputs)}
        interpreted(text, rows, width)
        assert [rows[30 + place] for place in range(count)] == [table >> address & 1 for table in tables]


@pytest.mark.parametrize(("width", "ternary"), [(16, False), (32, False), (None, None)])
@given(seed=st.integers(0, 2**32), rank=st.integers(4, 6), pooled=st.integers(1, 6), dense=st.integers(0, 40))
@settings(deadline=None, max_examples=8)
def test_code_of_recurring_tables_is_the_interpreter(width, ternary, seed, rank, pooled, dense) -> None:
    """Kernels with pools, some of unequal tables, in front of LUTs that are interpreted."""
    rng, builder = np.random.default_rng(seed), NetlistBuilder(30)
    layer, tables = np.arange(30), rng.integers(0, 2, (3, 1 << rank))
    for _ in range(2):
        owners = np.sort(rng.integers(0, 3, 30 * pooled))
        luts = builder.lut(rng.choice(layer, (owners.size, rank)), tables, owners)
        entries = (np.arange(1 << pooled) > 0)[None]
        layer = np.concatenate([builder.lut(luts.reshape(30, -1), entries, np.zeros(30, np.int64)), layer[:5]])
    last = builder.lut(rng.choice(layer, (dense, 5)), rng.integers(0, 2, (dense, 32)))
    netlist = builder.build(np.concatenate([last, layer, luts[:2]]))
    original = codegen._Chunk.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurring, "SHARE", 0.0)
        if width:
            patch.setattr(
                codegen._Chunk, "__init__", lambda self, _, __, splits: original(self, width, ternary, splits)
            )
        code = machine_code.Code.from_bytes(machine_code.Code.of(netlist).to_bytes())
        patch.setattr(machine_code, "GAIN", 0.0)
        plan = code.plan()
        assert code.tables
        assert machine_code.faster(plan, EnginePlan(netlist, fixed=True), code.load(plan))
    assert plan.single()[2][:, 0].max(initial=0) <= 6


def test_tables_have_functions_where_they_stand_in_many_places() -> None:
    rng, builder = np.random.default_rng(0), NetlistBuilder(40)
    kernels, single = rng.integers(0, 2, (3, 64)), rng.integers(0, 2, (60, 64))
    layer = builder.lut(rng.integers(0, 40, (60, 6)), kernels, np.repeat([0, 1, 2], [15, 16, 29]))
    netlist = builder.build(np.concatenate([layer, builder.lut(rng.integers(0, 40, (20, 6)), single[:20])]))
    found = recurring.recurring(netlist)
    assert [table for _, table in found] == [int("".join(map(str, row[::-1])), 2) for row in kernels[1:]]
    assert machine_code.making(netlist) == machine_code.STARTING + 2 * machine_code.MAKING_TABLE
    more = builder.lut(rng.integers(0, 40, (60, 6)), single)  # most have tables of their own
    assert recurring.recurring(builder.build(more)) == []


@given(table=st.integers(0, 2**64 - 1), inputs=st.integers(0, 6))
@settings(deadline=None, max_examples=60)
def test_cofactors_and_supports_are_the_table(table: int, inputs: int) -> None:
    table &= (1 << (1 << inputs)) - 1
    smaller, kept = splits.support(table, inputs)
    for address in range(1 << inputs):
        entry = sum((address >> slot & 1) << place for place, slot in enumerate(kept))
        assert table >> address & 1 == smaller >> entry & 1
        for slot in range(inputs):
            rest = (address & (1 << slot) - 1) | address >> slot + 1 << slot
            assert splits.cofactor(table, inputs, slot, address >> slot & 1) >> rest & 1 == table >> address & 1


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_FOLDER, str(tmp_path))
    monkeypatch.delenv(machine_code.SWITCH, raising=False)
    return tmp_path / "code"


def test_code_is_made_once_and_found_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netlist = random_netlist(3, luts=100, outputs=20, max_rank=6)
    first = machine_code.find(netlist)
    assert first is not None
    assert cache.stat().st_mode & 0o777 == 0o700
    assert sorted(path.suffix for path in cache.iterdir()) == ["", ".code"]
    monkeypatch.setattr(machine_code, "made", lambda netlist: None)
    again = machine_code.find(netlist)
    assert again is not None
    assert again.files == first.files
    assert machine_code.find(random_netlist(4, luts=100, outputs=20, max_rank=6)) is None


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "of another", "of another key"])
def test_damaged_and_foreign_files_are_not_loaded(cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    netlist = random_netlist(5, luts=30, outputs=5, max_rank=6)
    made: list[int] = []

    def make(given_netlist):
        made.append(1)
        return machine_code.Code.of(given_netlist).to_bytes()

    monkeypatch.setattr(machine_code, "made", make)
    assert machine_code.find(netlist) is not None
    (path,) = cache.glob("*.code")
    data = bytearray(path.read_bytes())
    if damage == "of another":
        machine_code.find(random_netlist(6, luts=30, outputs=5, max_rank=6))
        (other,) = set(cache.glob("*.code")) - {path}
        path.write_bytes(other.read_bytes())
    elif damage == "of another key":
        (cache / "key").write_bytes(bytes(32))
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes({"truncated": data[:-1], "empty": b"", "flipped": bytes(data)}[damage])
    made.clear()
    code = machine_code.find(netlist)
    assert made == [1]
    assert code is not None
    assert machine_code.find(netlist) is not None
    assert made == [1]  # repaired


def test_a_folder_that_others_may_write_is_not_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "getuid"):
        pytest.skip("this system has no such permissions")
    cache.mkdir(mode=0o700)
    cache.chmod(0o770)
    monkeypatch.setattr(machine_code, "made", lambda netlist: machine_code.Code.of(netlist).to_bytes())
    assert machine_code.cache_folder() is None
    assert machine_code.find(random_netlist(7, outputs=5)) is not None
    assert list(cache.iterdir()) == []
    cache.rmdir()
    cache.symlink_to(cache.parent / "elsewhere", target_is_directory=True)
    (cache.parent / "elsewhere").mkdir(mode=0o700)
    assert machine_code.cache_folder() is None


def test_a_full_disk_costs_the_cache_alone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(machine_code, "made", lambda netlist: machine_code.Code.of(netlist).to_bytes())
    monkeypatch.setattr(os, "fsync", full)
    assert machine_code.find(random_netlist(8, outputs=5)) is not None
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "program", ["import sys; sys.exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_a_process_that_fails_leaves_the_interpreter(
    cache: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    script = cache.parent / "python"
    script.write_text(f"#!{sys.executable}\n{program}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    assert machine_code.find(random_netlist(9, outputs=5)) is None


def test_the_process_is_stopped_after_a_while(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = cache.parent / "python"
    script.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setattr(machine_code, "TIMEOUT", 0.5)
    begin = time.perf_counter()
    assert machine_code.find(random_netlist(9, outputs=5)) is None
    assert time.perf_counter() - begin < 20


@pytest.mark.parametrize("faster", [True, False])
def test_code_takes_over_when_it_is_faster_and_answers_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch, faster: bool
) -> None:
    monkeypatch.setattr(machine_code, "GAIN", 0.0 if faster else np.inf)
    monkeypatch.setattr(machine_code, "STARTING", 0.0)
    monkeypatch.setattr(machine_code, "MAKING", 0.0)
    circuit = random_circuit(2, luts=200)
    images = random_images(2, circuit, LARGE + 5).reshape(LARGE + 5, -1)
    engine = Engine(circuit.encoder, circuit.netlist, circuit.head)
    before = [engine.predict(images), engine.decision_function(images), engine.outputs(images)]
    assert engine.considering is not None
    engine.considering.join(60)
    assert (engine._coded is not None) == faster
    after = [engine.predict(images), engine.decision_function(images), engine.outputs(images)]
    for old, new in zip(before, after, strict=True):
        assert np.array_equal(old, new)
    assert np.array_equal(before[1][:2000], circuit.head.scores(circuit.evaluate(images[:2000])))
    assert np.array_equal(engine.predict(images[:3]), before[0][:3])
    tables = np.random.default_rng(0).integers(0, 2**64, circuit.netlist.num_nodes, dtype=np.uint64)
    expected = circuit.netlist.evaluate(circuit.encoder.encode(images[:100]), tables=tables)
    assert np.array_equal(engine.outputs(images[:100], tables=tables), expected)


def test_code_that_says_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_code, "GAIN", 0.0)
    plan = EnginePlan(random_netlist(1, luts=50, outputs=10, max_rank=6), fixed=True)
    assert machine_code.faster(plan, plan, lambda values: None) is False


def test_small_calls_large_networks_and_the_switch_leave_the_interpreter(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_code, "start", lambda work: pytest.fail("code was considered"))
    monkeypatch.setattr(machine_code, "STARTING", 0.0)
    monkeypatch.setattr(machine_code, "MAKING", 0.0)
    circuit = random_circuit(3)
    images = random_images(3, circuit, LARGE).reshape(LARGE, -1)
    engine = Engine(circuit.encoder, circuit.netlist, circuit.head)
    engine.predict(images[:-1])
    monkeypatch.setenv(machine_code.SWITCH, "0")
    engine.predict(images)
    monkeypatch.delenv(machine_code.SWITCH)
    monkeypatch.setattr(machine_code, "MOST_NODES", 3)
    assert machine_code.making(circuit.netlist) == math.inf
    Engine(circuit.encoder, circuit.netlist, circuit.head).predict(images)
    with pytest.raises(ValueError, match="too many for code, expected at most 3"):
        machine_code.Code.of(circuit.netlist)
    builder = NetlistBuilder(1)
    Engine(Comparators([0], [0.5], 1), builder.build([0])).outputs(np.zeros((LARGE, 1)))


def test_code_is_considered_once_large_calls_have_taken_as_long_as_its_making(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(machine_code.SWITCH, raising=False)
    considered: list[float] = []
    clock = iter(range(100))
    monkeypatch.setattr(engines.time, "perf_counter", lambda: float(next(clock)))  # a large call takes a second
    monkeypatch.setattr(machine_code, "start", lambda work: considered.append(1.0))
    circuit = random_circuit(3)
    monkeypatch.setattr(machine_code, "STARTING", 0.5)
    monkeypatch.setattr(machine_code, "MAKING", 2.0 / circuit.netlist.num_nodes)
    images = random_images(3, circuit, LARGE).reshape(LARGE, -1)
    engine = Engine(circuit.encoder, circuit.netlist, circuit.head)
    found = []
    for _ in range(4):
        engine.predict(images)
        engine.predict(images[:-1])
        found.append(len(considered))
    assert found[:3] == [0, 0, 1]


def test_code_of_several_levels_is_compared_on_the_same_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_code, "GAIN", 0.0)
    rng, builder = np.random.default_rng(0), NetlistBuilder(40)
    signals = np.arange(40)
    for _ in range(5):  # rows of the inputs are used again by later levels
        signals = builder.lut(rng.choice(signals, (40, 6)), rng.integers(0, 2, (40, 64)))
    netlist = builder.build(signals)
    code = machine_code.Code.of(netlist)
    plan = code.plan()
    assert machine_code.faster(plan, EnginePlan(netlist, fixed=True), code.load(plan))


def test_a_process_ends_at_once_while_code_is_made(cache: Path) -> None:
    script = """
        import sys, numpy as np
        sys.path.insert(0, sys.argv[1])
        from lutsmith.circuit.engine import machine_code, recurring
        from tests.circuit.examples import random_circuit, random_images
        machine_code.STARTING = machine_code.MAKING = 0.0
        circuit = random_circuit(1, luts=3000)
        circuit.predict(random_images(1, circuit, 20_000))
        print("done", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)


def test_one_network_is_compiled_at_a_time(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []
    running = []

    def made(netlist: Netlist) -> bytes | None:
        running.append(netlist)
        at_once.append(len(running))
        time.sleep(0.05)
        running.pop()
        return None

    monkeypatch.setattr(machine_code, "_made_now", made)
    asked = [
        machine_code.start(lambda seed=seed: machine_code.find(random_netlist(seed, outputs=3))) for seed in range(5)
    ]
    for thread in asked:
        thread.join(60)
    assert at_once == [1] * 5


def test_several_processes_make_the_code_that_one_makes(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netlist = random_netlist(3, luts=300, outputs=40, max_rank=6)
    monkeypatch.setattr(machine_code, "SHARE", 1e-6)
    monkeypatch.setenv("LUTSMITH_NUM_THREADS", "3")
    asked: list[tuple[int, int]] = []
    of_process = machine_code._of_process

    def counted(given: bytes, number: int, count: int) -> bytes | None:
        asked.append((number, count))
        return of_process(given, number, count)

    monkeypatch.setattr(machine_code, "_of_process", counted)
    data = machine_code.made(netlist)
    assert sorted(asked) == [(0, 3), (1, 3), (2, 3)]
    code, alone = machine_code.Code.from_bytes(data), machine_code.Code.of(netlist)
    assert len(code.files) == len(alone.files)
    plan = code.plan()
    monkeypatch.setattr(machine_code, "GAIN", 0.0)
    assert machine_code.faster(plan, EnginePlan(netlist, fixed=True), code.load(plan))

    monkeypatch.setattr(machine_code, "_of_process", lambda *given: None if given[1] == 1 else of_process(*given))
    assert machine_code.made(netlist) is None


def test_a_process_that_was_forked_meanwhile_holds_nothing_up(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    class Held(subprocess.Popen):
        """A process whose stdin another one has, too."""

        def __init__(self, *args, **options) -> None:
            super().__init__(*args, **options)
            held.append(os.dup(self.stdin.fileno()))

    monkeypatch.setattr(subprocess, "Popen", Held)
    monkeypatch.setattr(machine_code, "TIMEOUT", 20.0)
    try:
        assert machine_code.made(random_netlist(3, outputs=5)) is not None
        assert held
    finally:
        for pipe in held:
            os.close(pipe)


def test_code_is_made_on_as_many_cores_as_the_caller_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTSMITH_NUM_THREADS", "3")
    monkeypatch.setattr(machine_code, "SHARE", 1e-6)
    asked: list[int] = []
    monkeypatch.setattr(machine_code, "_of_process", lambda given, number, count: asked.append(count))
    with threads_limited(2):
        machine_code.start(lambda: machine_code.made(random_netlist(3, outputs=5))).join(60)
    assert asked == [2, 2]


@pytest.mark.parametrize("form", ["nodes", "tables"])
def test_shares_of_the_files_are_all_of_them(form: str) -> None:
    if form == "nodes":
        netlist = random_netlist(3, luts=500, outputs=500, max_rank=6)
        of = partial(codegen.objects, machine_code.nodes(EnginePlan(netlist, fixed=True)), lanes.ROW_BYTES)
    else:
        of = partial(codegen.functions, [(4, table) for table in range(1, 60)], lanes.ROW_BYTES)
    whole = sorted(of())
    assert len(whole) > 3
    for count in (1, 2, 3, 7):
        assert sorted(file for number in range(count) for file in of((number, count))) == whole


def test_the_slot_that_is_split_off_leaves_the_fewest_inputs() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2000):
        inputs = int(rng.integers(1, 7))
        table = (
            int(rng.integers(1 << (1 << inputs), dtype=np.uint64))
            if inputs < 6
            else int(rng.bit_generator.random_raw())
        )
        if rng.random() < 0.5:
            table &= int(rng.bit_generator.random_raw()) & int(rng.bit_generator.random_raw())
        costs = [
            sum(
                splits.reads(splits.cofactor(table, inputs, slot, bit), inputs - 1, other)
                for bit in (0, 1)
                for other in range(inputs - 1)
            )
            for slot in range(inputs)
        ]
        assert splits.best_split(table, inputs) == max(slot for slot in range(inputs) if costs[slot] == min(costs))


@given(seed=st.integers(0, 2**32), inputs=st.integers(0, 6), count=st.integers(0, 40), thin=st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_splits_of_many_tables_are_those_of_each(seed: int, inputs: int, count: int, thin: int) -> None:
    rng, mask = np.random.default_rng(seed), (1 << (1 << inputs)) - 1
    tables = rng.integers(0, 2**64, (thin + 1, count), dtype=np.uint64)
    given_ = [(inputs, table & mask) for table in np.bitwise_and.reduce(tables).tolist()]
    known = splits.Splits(given_)
    wanted = list(given_)
    for rank, table in wanted:
        whole = len(splits.support(table, rank)[1]) == rank
        found = known.of(rank, table)
        assert (found is not None) == (whole and rank > 1)
        if found is not None:
            assert found == splits.split_of(table, rank)
            wanted += [(rank - 1, found.low), (rank - 1, found.high)]


def test_who_waits_for_a_turn_does_not_hold_up_the_end(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_code, "_turn", threading.Semaphore(0))
    monkeypatch.setattr(machine_code, "_ending", threading.Event())
    waiting = machine_code.start(lambda: machine_code.find(random_netlist(9, outputs=5)))
    machine_code._ending.set()
    waiting.join(60)
    assert not waiting.is_alive()
