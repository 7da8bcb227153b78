"""Programs from elsewhere that do harm are stopped, and leave nothing behind."""

from __future__ import annotations

import functools
import platform
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lutsmith.export import FORMATS, Options
from lutsmith.hardware import Tool, ToolFailed, ToolMissing, ToolTimeout
from lutsmith.hardware.simulation import hdl, software
from lutsmith.hardware.simulation.answers import Answers
from lutsmith.hardware.tools import confinement
from lutsmith.hardware.tools.confinement import TOOL, Limits
from lutsmith.hardware.tools.toolchain import workspace
from lutsmith.hardware.verification.rows import sample_rows
from lutsmith.logic import elaborate
from tests.hardware.examples import tiny
from tests.tools import needs

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="programs are confined on Linux on x86_64 and aarch64",
)

PYTHON = Tool("python", (sys.executable,), (3,), sys.executable)
needs_cc = pytest.mark.needs("cc")
needs_node = pytest.mark.needs("node")


def rows() -> np.ndarray:
    return sample_rows(tiny())[:70]


def in_c(attack: str, *, timeout: float = 20) -> None:
    """Run a header that attacks when it is first asked; `REFUSED` says that it could not, and stops."""
    (header,) = FORMATS["c"].files(tiny(), Options()).values()
    start = "void lutsmith_outputs(const lutsmith_feature *x, uint8_t *outputs)\n{\n"
    before, _, after = header.decode().partition(start)
    assert after
    helpers = """
#include <errno.h>
#include <signal.h>
#include <sys/types.h>
extern pid_t fork(void); extern int socket(int, int, int); extern int kill(pid_t, int); extern pid_t getppid(void);
extern pid_t getpid(void); extern int unlink(const char *); extern int chmod(const char *, mode_t);
extern long syscall(long, ...); extern char **environ;
#define REFUSED(what) do { fprintf(stderr, "%s: refused, %d\\n", what, errno); exit(77); } while (0)
"""
    text = f"{before}{helpers}{start}{{ {attack} }}{after}"
    software.c_compiler(tiny(), text.encode(), rows(), timeout, confined=True)


def in_javascript(attack: str, *, timeout: float = 20) -> None:
    (script,) = FORMATS["javascript"].files(tiny(), Options()).values()
    text = attack + "\n" + script.decode()
    software.node(tiny(), text.encode(), rows(), timeout, confined=True)


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "Limits", functools.partial(Limits, memory=512 << 20))


def test_programs_can_be_confined_here() -> None:
    assert confinement.problem() is None


@pytest.mark.parametrize("format_", ["c", "javascript", "onnx"])
def test_a_program_that_only_computes_says_the_same_confined(format_: str) -> None:
    circuit = tiny()
    meant = Answers.of(circuit, rows())
    if format_ == "onnx":
        needs("onnx", "onnxruntime")
    else:
        needs({"c": "cc", "javascript": "node"}[format_])
    (data,) = FORMATS[format_].files(circuit, Options()).values()
    run = {"javascript": software.node, "onnx": software.onnxruntime}.get(format_, software.c_compiler)
    said = run(circuit, data, rows(), 60, confined=True)
    for answers in said if isinstance(said, tuple) else (said,):
        assert meant.difference(answers) is None


@needs_cc
@pytest.mark.parametrize(
    "attack",
    [
        'if (socket(2, 1, 0) < 0) REFUSED("socket");',
        'if (socket(1, 1, 0) < 0) REFUSED("socket");',
        'if (syscall(425, 8, 0) < 0) REFUSED("io_uring");',
        'if (fork() < 0) REFUSED("fork");',
        'if (kill(getppid(), 0) < 0) REFUSED("kill");',
        'if (kill(-1, 0) < 0) REFUSED("kill");',
        'if (!fopen("more", "wb")) REFUSED("writing here");',
        'if (!fopen("rows.bin", "r+b")) REFUSED("writing here");',
        'if (!fopen("/proc/self/fd/1", "wb")) REFUSED("opening its output again");',
        'if (!tmpfile()) REFUSED("a file without a name");',
    ],
)
def test_what_a_program_must_not_do_is_refused(attack: str) -> None:
    with pytest.raises(ToolFailed, match=r"refused, (1|38|2)\b"):
        in_c(attack)


@needs_cc
def test_nothing_outside_is_written_removed_or_changed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    victim.chmod(0o640)
    for attack in (
        f'!fopen("{victim}", "wb")',
        f'unlink("{victim}")',
        f'chmod("{victim}", 0777)',
        f'rename("{victim}", "x")',
    ):
        with pytest.raises(ToolFailed, match="refused, 1"):
            in_c(f'if ({attack}) REFUSED("files");')
    with pytest.raises(ToolFailed, match="refused, 1"):
        in_c(f'if (!fopen("{tmp_path}/new", "wb")) REFUSED("files");')
    assert victim.read_text() == "as it was"
    assert victim.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]


@needs_cc
def test_a_program_that_allocates_without_end_is_stopped(little_memory: None) -> None:
    block = 'void *p = malloc(16u << 20); if (!p) REFUSED("memory"); memset(p, 1, 16u << 20);'
    with pytest.raises(ToolFailed, match="memory: refused, 12"):
        in_c(f"size_t i; for (i = 0; i < 64; i++) {{ {block} }}")


@needs_cc
def test_a_program_that_writes_without_end_is_stopped() -> None:
    with pytest.raises(ToolFailed, match="SIGXFSZ"):
        in_c('size_t i; for (i = 0; i < 100000; i++) printf("%1000d", 1);')


@needs_cc
@pytest.mark.parametrize(
    "attack", ["for (;;) continue;", "signal(SIGTERM, SIG_IGN); signal(SIGXCPU, SIG_IGN); for (;;) continue;"]
)
def test_a_program_that_never_ends_is_stopped_and_gone(attack: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ToolTimeout) as caught:
        in_c(f'fprintf(stderr, "process %d\\n", (int)getpid()); fflush(stderr); {attack}', timeout=3)
    assert time.perf_counter() - began < 12
    process = caught.value.output.split()[-1]
    assert not Path(f"/proc/{process}").exists()


@needs_cc
def test_a_program_does_not_see_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTSMITH_TEST_TOKEN", "hunter2")
    code = 'char **e; for (e = environ; *e; e++) fprintf(stderr, "%s\\n", *e); exit(77);'
    with pytest.raises(ToolFailed, match="LC_ALL=C") as caught:
        in_c(code)
    names = {line.partition("=")[0] for line in caught.value.output.splitlines()}
    assert names == {"PATH", "LC_ALL", "TMPDIR", "HOME"}
    assert "hunter2" not in caught.value.output


@needs_cc
def test_a_program_cannot_look_into_who_runs_it() -> None:
    import ctypes

    if ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) < 2:
        pytest.skip("this kernel has no Landlock")
    code = 'char name[40]; FILE *f; sprintf(name, "/proc/%d/environ", (int)getppid()); f = fopen(name, "rb");'
    with pytest.raises(ToolFailed, match="refused, 13"):
        in_c(code + 'if (!f || fgetc(f) == EOF) REFUSED("environ");')


@needs_cc
@pytest.mark.skipif(platform.machine() != "x86_64", reason="an attack of x86_64")
@pytest.mark.parametrize(
    "attack", ['long r = 20; __asm__ volatile("int $0x80" : "+a"(r)); (void)r;', "syscall(0x40000000 + 39);"]
)
def test_other_ways_into_the_kernel_end_the_program(attack: str) -> None:
    with pytest.raises(ToolFailed, match="was ended by signal"):
        in_c(attack)


@needs_cc
def test_answers_that_are_more_or_fewer_than_they_should_be_fail() -> None:
    with pytest.raises(ToolFailed, match="bytes of answers, expected"):
        in_c('static int once; if (!once++) printf("x");')
    with pytest.raises(ToolFailed, match="bytes of answers, expected"):
        in_c("exit(0);")


@needs_node
@pytest.mark.parametrize(
    ("attack", "told"),
    [
        ('require("net").createServer().listen(0);', "EPERM"),
        ('require("dgram").createSocket("udp4").bind(0);', "EPERM"),
        ('const r = require("child_process").spawnSync("true"); if (r.error) throw r.error;', "EPERM"),
        ('require("fs").writeFileSync("more", "x");', "EPERM"),
        ('require("fs").unlinkSync("rows.bin");', "EPERM"),
        ("process.kill(process.ppid, 0);", "EPERM"),
        ("console.log('x');", "outputs|bytes|tells"),
        ("throw new Error(JSON.stringify(process.env) + process.env.LUTSMITH_TEST_TOKEN);", "undefined"),
    ],
)  # fmt: skip
def test_what_a_module_must_not_do_is_refused(attack: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUTSMITH_TEST_TOKEN", "hunter2")
    with pytest.raises(ToolFailed, match=told) as caught:
        in_javascript(attack)
    assert "hunter2" not in caught.value.output


@needs_node
def test_a_module_that_allocates_or_loops_without_end_is_stopped(little_memory: None) -> None:
    with pytest.raises(ToolFailed):
        in_javascript("const kept = []; for (let i = 0; i < 16; i++) kept.push(new Uint8Array(1 << 26).fill(1));")
    with pytest.raises(ToolTimeout):
        in_javascript("for (;;);", timeout=2)


@needs_node
def test_options_of_node_in_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.js").write_text("process.exit(3)")
    monkeypatch.setenv("NODE_OPTIONS", f"--require {tmp_path / 'other.js'}")
    in_javascript("")


def test_an_onnx_model_that_takes_all_memory_is_stopped(little_memory: None) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    make = onnx.helper.make_tensor_value_info
    shape = onnx.numpy_helper.from_array(np.array([1 << 20, 1 << 12]), "shape")
    nodes = [
        onnx.helper.make_node("ConstantOfShape", ["shape"], ["large"]),
        onnx.helper.make_node("ReduceMax", ["large"], ["scores"], keepdims=0),
        onnx.helper.make_node("Identity", ["x"], ["label"]),
    ]
    ports = [make(name, onnx.TensorProto.FLOAT, None) for name in ("label", "scores")]
    sample = make("x", onnx.TensorProto.FLOAT, ["N", 3])
    graph = onnx.helper.make_graph(nodes, "g", [sample], ports, initializer=[shape])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(ToolFailed, match="onnxruntime"):
        software.onnxruntime(tiny(), model.SerializeToString(), rows(), 60, confined=True)


@pytest.mark.needs("iverilog")
def test_verilog_that_writes_files_does_not(tmp_path: Path) -> None:
    circuit, mark = tiny(), tmp_path / "mark"
    design = elaborate(circuit)
    (text,) = FORMATS["verilog"].files(circuit, Options()).values()
    begin = f'integer file;\ninitial file = $fopen("{mark}", "w");\nendmodule'
    altered = text.decode().replace("endmodule", begin, 1)
    words = design.words.quantise(rows())
    bits = design.inputs[0].bits(words.astype(np.int64))
    sources = {"lutsmith.v": altered.encode()}
    found = hdl.icarus(sources, design, bits, 60, confined=True)
    np.testing.assert_array_equal(found, Answers.of(circuit, design.words.values(words)).bits(design))
    assert not mark.exists()
    hdl.icarus(sources, design, bits, 60)
    assert mark.exists()  # the attack works where nothing confines it


def test_a_compiler_has_no_network_and_writes_in_its_folder_alone(tmp_path: Path) -> None:
    import ctypes

    outside = tmp_path / "outside"
    code = f"""
import socket, subprocess, sys
subprocess.run([sys.executable, "-c", "open('inside', 'w').write('x')"], check=True)
for attempt in (lambda: socket.socket(), lambda: open({str(outside)!r}, "w")):
    try:
        attempt()
        print("allowed")
    except PermissionError:
        print("refused")
"""
    with workspace() as folder:
        said = PYTHON.run(["-c", code], cwd=folder, timeout=30, limits=TOOL).stdout.split()
        assert (folder / "inside").read_text() == "x"
    assert said[0] == "refused"
    if ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) >= 2:
        assert said[1] == "refused"
        assert not outside.exists()


def test_what_is_confined_ends_with_who_started_it(tmp_path: Path) -> None:
    code = """
import os, subprocess, sys
from lutsmith.hardware.tools.confinement import Limits, launched
loop = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
child = subprocess.Popen(launched(loop, Limits(addresses=False), 60, "/tmp"), stdout=subprocess.PIPE)
print(child.stdout.readline().decode(), flush=True)
os._exit(0)
"""
    process = int(PYTHON.run(["-c", code], timeout=60).stdout)
    for _ in range(100):
        if not Path(f"/proc/{process}").exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"process {process} lives on")


def test_where_nothing_can_be_confined_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "problem", lambda: "this kernel has no seccomp")
    mark = tmp_path / "mark"
    with pytest.raises(ToolMissing, match=r"cannot be confined: this kernel has no seccomp"):
        PYTHON.run(["-c", f"open({str(mark)!r}, 'w')"], cwd=tmp_path, timeout=30, limits=Limits())
    assert not mark.exists()


def test_another_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    confinement.problem.cache_clear()
    try:
        assert "this needs Linux on x86_64 or aarch64, not darwin" in str(confinement.problem())
    finally:
        confinement.problem.cache_clear()


def test_a_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="ghost ended with status 126; it printed:\n  cannot start /nonexistent/ghost"):
        Tool("ghost", ("/nonexistent/ghost",), (1,), "").run([], cwd=tmp_path, timeout=30, limits=Limits())


def test_limits_cannot_be_raised_again() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))"
    )
    with workspace() as folder, pytest.raises(ToolFailed, match="not allowed to raise"):
        PYTHON.run(["-c", code], cwd=folder, timeout=30, limits=Limits())
