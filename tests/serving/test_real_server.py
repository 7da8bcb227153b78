"""`lutsmith serve` as a process: signals, sockets, slow clients, reloads under load."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from lutsmith.circuit import save

from .models import images, table
from .test_reloading import ROWS, label, others

pytestmark = pytest.mark.slow
PATIENCE = 60.0
BODY = json.dumps({"rows": ROWS})
HEAD = {"content-type": "application/json"}


@dataclass
class Server:
    process: subprocess.Popen[str]
    urls: list[str] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.urls[0])
        assert url.port is not None
        return url.host, url.port

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit code and stderr."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err


@contextmanager
def serving(
    *arguments: object, models: int = 1, code: str | None = None, env: dict[str, str] | None = None
) -> Iterator[Server]:
    program = ["-c", code] if code else ["-m", "lutsmith.cli"]
    command = [sys.executable, *program, "serve", "--port", "0", *map(str, arguments)]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, env={**os.environ, **(env or {})}) as process:
        server = Server(process)
        try:
            assert process.stdout is not None
            for _ in range(models):
                server.urls.append(process.stdout.readline().strip())
            assert server.urls[0].startswith("http://127.0.0.1:"), process.communicate()
            yield server
        finally:
            if process.poll() is None:
                process.kill()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save(others()[0], tmp_path / "m.lut")
    return tmp_path / "m.lut"


def test_it_answers_over_one_connection_and_in_chunks_and_ends_with_0(model: Path, tmp_path: Path) -> None:
    save(table(), tmp_path / "t.lut")
    with serving(model, f"people={tmp_path / 't.lut'}", "--access-log", models=2) as server:
        assert server.urls[1].endswith("/models/people/predict")
        with httpx.Client(headers=HEAD) as client:
            for _ in range(3):
                answer = client.post(server.urls[0], content=BODY)
                assert answer.json()["predictions"] == label(others()[0])
            stream = answer.extensions["network_stream"].get_extra_info("client_addr")
            chunked = client.post(server.urls[0], content=iter([BODY[:10].encode(), BODY[10:].encode()]))
            assert chunked.json()["predictions"] == label(others()[0])
            assert chunked.extensions["network_stream"].get_extra_info("client_addr") == stream
        code, err = server.end(signal.SIGINT)
        assert code == 0
        lines = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
        assert [line["status"] for line in lines] == [200] * 4


def test_serving_and_predicting_never_imports_torch(model: Path) -> None:
    code = (
        "import sys, atexit; sys.modules['torch'] = None\n"
        "from lutsmith.cli import main\n"
        "atexit.register(lambda: print(*sorted(m for m in sys.modules if m.startswith(('torch.', 'lightning')))))\n"
        "main()"
    )
    with serving(model, code=code) as server:
        assert httpx.post(server.urls[0], content=BODY, headers=HEAD).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        out, _ = server.process.communicate(timeout=PATIENCE)
        assert server.process.returncode == 0
        assert out.splitlines()[-1] == ""


def test_requests_in_flight_are_answered_before_it_ends(model: Path) -> None:
    with serving(model) as server, socket.create_connection(server.address) as one:
        path = httpx.URL(server.urls[0]).path
        head = (
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
        )
        one.sendall(head.encode() + BODY[:10].encode())
        until(lambda: httpx.get(f"http://127.0.0.1:{server.address[1]}/healthz").status_code == 200)
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx.TransportError):  # noqa: PT012 - as soon as it takes nothing new
            while True:
                httpx.get(f"http://127.0.0.1:{server.address[1]}/healthz")
        one.sendall(BODY[10:].encode())
        answer = b""
        while part := one.recv(65_536):
            answer += part
        assert answer.startswith(b"HTTP/1.1 200")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"] == label(others()[0])
        server.process.communicate(timeout=PATIENCE)
        assert server.process.returncode == 0


@pytest.mark.parametrize("by_signal", [False, True])
def test_reloads_under_load_lose_no_request_and_mix_no_models(model: Path, by_signal: bool) -> None:
    first, second = others()
    answers = {tuple(label(first)), tuple(label(second))}
    with serving(model, *(["--no-watch"] if by_signal else [])) as server:
        seen: list[tuple[str, tuple[str, ...]]] = []
        wrong: list[str] = []
        stop = threading.Event()

        def load() -> None:
            with httpx.Client(headers=HEAD, timeout=PATIENCE) as client:
                while not stop.is_set():
                    try:
                        answer = client.post(server.urls[0], content=BODY)
                        seen.append((answer.headers["x-model-version"], tuple(answer.json()["predictions"])))
                    except Exception as error:
                        wrong.append(repr(error))
                        return

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(seen) > 20)
        for circuit in (second, first, second):
            save(circuit, model)
            if by_signal:
                server.process.send_signal(signal.SIGHUP)
            wanted = tuple(label(circuit))
            until(lambda: bool(wrong) or seen[-1][1] == wanted)  # noqa: B023 - called at once
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert wrong == []
        assert {answer for _, answer in seen} == answers
        assert len(set(seen)) == 2  # each version with its own answers
        code, err = server.end()
        assert code == 0
        assert err.count("m: loaded, version ") == 3


def test_clients_that_are_too_slow_or_too_many_are_sent_away(model: Path) -> None:
    with serving(model, "--read-timeout", "1", "--max-connections", "6") as server:
        host, port = server.address

        def sent(data: bytes) -> socket.socket:
            made = socket.create_connection((host, port), timeout=PATIENCE)
            made.sendall(data)
            return made

        def all_of(one: socket.socket) -> bytes:
            found = b""
            with one:
                while part := one.recv(65_536):
                    found += part
            return found

        path = httpx.URL(server.urls[0]).path.encode()
        body = b"POST " + path + b" HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        slow = {
            b"": b"HTTP/1.1 408 ",  # not a byte
            b"GET /healthz HT": b"HTTP/1.1 408 ",  # a head that never ends
            body + b"content-length: 100\r\n\r\n{": b"HTTP/1.1 408 ",  # a body that never ends
            body + b"transfer-encoding: chunked\r\n\r\n5\r\n{": b"HTTP/1.1 408 ",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n": b"HTTP/1.1 400 ",  # it speaks TLS
        }
        for data, status in slow.items():
            found = all_of(sent(data))
            assert found.startswith(status), (data, found)
        open_ones = [sent(b"") for _ in range(6)]
        until(lambda: all_of(sent(b"")).startswith(b"HTTP/1.1 503 "))
        for one in open_ones:
            one.close()

        def answers() -> bool:
            try:
                return httpx.post(server.urls[0], content=BODY, headers=HEAD).status_code == 200
            except httpx.TransportError:
                return False

        until(answers)
        big = httpx.post(server.urls[0], content=b" " * (17 << 20), headers=HEAD, timeout=PATIENCE)
        assert big.status_code == 413
        assert server.end()[0] == 0


def test_connections_beyond_the_limit_of_files_are_refused_not_left_waiting(model: Path) -> None:
    resource = pytest.importorskip("resource")
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 160))\nfrom lutsmith.cli import main\nmain()"
    )
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] > 160
    with serving(model, code=code) as server, contextlib.ExitStack() as stack:
        answers: list[bytes] = []
        for _ in range(200):
            one = stack.enter_context(socket.create_connection(server.address, timeout=PATIENCE))
            one.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            answers.append(one.recv(12))
        assert answers == [b"HTTP/1.1 200"] * 96 + [b"HTTP/1.1 503"] * 104  # 64 files are for the rest
        save(others()[1], model)
        server.process.send_signal(signal.SIGHUP)
        stack.close()

        def reloaded() -> bool:
            with contextlib.suppress(httpx.TransportError, KeyError):
                answer = httpx.post(server.urls[0], content=BODY, headers=HEAD)
                return answer.status_code == 200 and answer.json()["predictions"] == label(others()[1])
            return False

        until(reloaded)
        found, err = server.end()
        assert found == 0
        assert "Traceback" not in err


def test_a_client_that_does_not_take_its_answer_is_disconnected(model: Path) -> None:
    with serving(model, "--timeout", "3") as server:
        body = json.dumps({"rows": ROWS * 10_000}).encode()
        path = httpx.URL(server.urls[0]).path
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(server.address)
            head = f"POST {path}?answers=outputs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            one.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            one.settimeout(PATIENCE)
            received = one.recv(1000)
            assert received.startswith(b"HTTP/1.1 200 ")
            time.sleep(6)
            with contextlib.suppress(ConnectionError):  # what was sent before may still come
                while part := one.recv(65_536):
                    received += part
            found = re.search(rb"content-length: (\d+)", received)
            assert found is not None
            assert len(received) < int(found[1])
        assert httpx.post(server.urls[0], content=BODY, headers=HEAD).status_code == 200
        assert server.end()[0] == 0


def test_what_the_command_line_refuses_is_one_line_and_2(model: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        wrong: list[tuple[list[object], str]] = [
            (
                [model, "--port", port],
                "Address already in use; give another; --port 0 takes a free one",
            ),
            ([model, "--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
            ([model, f"m={model}"], "two models have the name 'm'"),
            ([tmp_path / "none.lut"], "there is no model file"),
            ([model, "--max-rows", "0"], "max-rows is 0"),
            ([model, "--token", ""], "token is empty"),
        ]
        for arguments, message in wrong:
            command = [sys.executable, "-m", "lutsmith.cli", "serve", *map(str, arguments)]
            found = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
            assert found.returncode == 2, found
            assert message in found.stderr
            assert found.stderr.count("\n") == 1


def test_a_token_may_come_from_the_environment(model: Path) -> None:
    with serving(model, env={"LUTSMITH_TOKEN": "s3cret"}) as server:
        assert httpx.post(server.urls[0], content=BODY, headers=HEAD).status_code == 401
        right = {**HEAD, "authorization": "Bearer s3cret"}
        assert httpx.post(server.urls[0], content=BODY, headers=right).status_code == 200


def test_missing_packages_are_one_line_with_what_to_install(model: Path) -> None:
    for package in ("starlette", "uvicorn"):
        code = f"import sys; sys.modules[{package!r}] = None\nfrom lutsmith.cli import main; main()"
        found = subprocess.run(
            [sys.executable, "-c", code, "serve", model], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert found.returncode == 2
        assert found.stderr.count("\n") == 1
        assert package in found.stderr
        assert "pip install 'lutsmith[serve]'" in found.stderr


def test_images_of_several_shapes_are_served(tmp_path: Path) -> None:
    save(images(shape=(3, 2)), tmp_path / "m.lut")
    with serving(tmp_path / "m.lut") as server:
        answer = httpx.post(server.urls[0], json={"rows": [[[1, 2], [3, 4], [5, 16]], [1, 2, 3, 4, 5, 16]]})
        assert answer.status_code == 200
        assert len(set(answer.json()["predictions"])) == 1
