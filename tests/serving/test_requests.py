"""What a server takes, and how it says no: 4xx with one line, never 5xx."""

from __future__ import annotations

import json
import math
import random
import struct
import tracemalloc
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutsmith.circuit import CircuitBuilder
from lutsmith.serving import RequestError, ServerLimits, application, json_text
from lutsmith.serving.arrow_messages import is_compressed
from lutsmith.serving.json_rows import JsonRows
from lutsmith.serving.json_text import LONG, PART, row_parts

from . import models
from .models import ARROW, JSON, arrow, client, images, records, table

GOOD = {"age": 41, "pay": 10.5, "city": "Bern"}


def rows_of(body: str, circuit: Any = None) -> np.ndarray:
    return JsonRows(circuit or table(), 100_000).read(body.encode())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 20), st.booleans())
def test_records_and_lists_are_read_as_predict_reads_records(seed: int, count: int, strict: bool) -> None:
    circuit = table(missing=("", "?", "-999"), unseen="missing")
    rows = records(seed, count)
    if strict:
        rows = [{**row, "pay": -999 if row["pay"] is None else row["pay"]} for row in rows]
    wanted = circuit.read(rows)
    mixed = [dict(random.Random(seed).sample(list(row.items()), 3)) for row in rows]
    for given_rows in (rows, mixed, [list(row.values()) for row in rows]):
        found = rows_of(json.dumps({"rows": given_rows}), circuit)
        np.testing.assert_array_equal(found, wanted)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 400), st.booleans(), st.sampled_from([None, 0, 2, ":", ","]))
def test_long_bodies_are_read_in_parts_as_short_ones_are_whole(
    seed: int, count: int, listed: bool, indent: Any
) -> None:
    rows: list[Any] = records(seed, count)
    rows = [list(row.values()) for row in rows] if listed else rows
    body = json.dumps({"rows": rows}, indent=indent if isinstance(indent, int) else None)
    padded = body.replace("[", "[" + " " * LONG, 1)  # long enough to be read in parts
    np.testing.assert_array_equal(rows_of(padded), rows_of(body))
    np.testing.assert_array_equal(rows_of(padded), table().read(records(seed, count)))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1000), st.data())
def test_a_damaged_body_is_refused_alike_in_parts_and_whole(seed: int, data: st.DataObject) -> None:
    body = json.dumps({"rows": records(seed, 3)})
    at = data.draw(st.integers(0, len(body)))
    damaged = (
        body[:at]
        + data.draw(st.sampled_from([*'{}[],:"0', "", " ", "NaN", "null", '"rows":', "1e999"]))
        + body[at + data.draw(st.integers(0, 3)) :]
    )

    def outcome(text: str) -> Any:
        try:
            return rows_of(text).tolist()
        except RequestError as error:
            return error.status

    assert str(outcome(damaged)) == str(outcome(damaged + " " * LONG))


def test_numbers_beyond_float32_are_infinite_as_they_are_to_predict() -> None:
    found = rows_of('{"rows": [[1e300, -1e39, null], [123456789012345678901234567890, true, "?"]]}')
    assert found[0, 0] == math.inf
    assert found[0, 1] == -math.inf
    assert np.isnan(found[:, 2]).all()
    assert found[1].tolist()[:2] == [np.float32(123456789012345678901234567890), 1.0]


def test_a_row_is_read_alike_whatever_stands_in_other_rows() -> None:
    circuit = images(shape=(2,))
    numbers = [2**53 + 1, 2**60 + 2**36 + 1, -(2**60) - 2**36 - 1, 2**62 + 2**38 - 1, 2**63 + 2**39 + 1, 0.1, 16777217]
    for value in numbers:
        alone = rows_of(f'{{"rows": [[{value!r}, 1]]}}', circuit)
        np.testing.assert_array_equal(alone, np.array([[value, 1]], np.float64).astype(np.float32))
        for other in ("[null, 1]", "[0.5, 1]", f"[{2**70}, 1]", "[true, false]", "[-1, 1]"):
            beside = rows_of(f'{{"rows": [[{value!r}, 1], {other}]}}', circuit)
            np.testing.assert_array_equal(beside[:1], alone)


def test_text_among_numbers_takes_no_more_room_than_it_has() -> None:
    """NumPy would make an array of text as wide as the longest of it."""
    circuit = images(shape=(1, 20, 20))
    row = [""] * 399 + ["x" * 10_000]
    many = [""] * 50_000 + ["x" * 100_000]
    tracemalloc.start()
    try:
        for rows in ([row], [row] * 8, [many], [[[[0] * 20] * 19 + [[0] * 19 + ["x" * 10_000]]]]):
            with pytest.raises(RequestError) as refused:
                rows_of(json.dumps({"rows": rows}), circuit)
            assert refused.value.status in (413, 422)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


MUCH = 4 << 20
HOSTILE = {
    '{"a":[': "[],", '{"rows":[[': "[],", '{"rows":[[0,': "{},", '{"rows":[': "[],", '{"rows":[],"a":[': "[],",
    '{"rows":[[1,2,"Bern"]],"a":[': "[],", '{"rows":[[1,2,"': "😀", '{"': "k", '{"rows":[{"': "k",
    '{"rows":[[1,2,"Bern"],[': "1,", "[": "[],", '{"rows":[[1,2,': "{}" * 9 + " ",
}  # fmt: skip


@pytest.mark.parametrize("begin", HOSTILE)
def test_of_a_long_body_only_some_letters_become_objects(begin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python reads a value of JSON in one go: all other threads wait, and it takes many times the memory."""
    body, seen = begin + HOSTILE[begin] * (MUCH // len(HOSTILE[begin])), list[int]()
    scan, decoder = json_text._SCAN, json_text._DECODER

    class Noted:
        def decode(self, text: str) -> Any:
            seen.append(len(text))
            return decoder.decode(text)

    def noted(text: str, place: int) -> Any:
        seen.append(len(text) - place)
        return scan(text, place)

    monkeypatch.setattr(json_text, "_SCAN", noted)
    monkeypatch.setattr(json_text, "_DECODER", Noted())
    for circuit in (table(), images()):
        with pytest.raises(RequestError) as refused:
            rows_of(body, circuit)
        assert refused.value.status in (400, 413, 422)
    assert max(seen, default=0) <= 80_000
    assert len(seen) <= 4 * PART


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 60), st.sampled_from([None, 0, 3]), st.integers(400, 3000), st.data())
def test_rows_are_the_same_however_windows_cut_them(
    seed: int, count: int, indent: Any, longest: int, data: st.DataObject
) -> None:
    body = json.dumps({"rows": records(seed, count)}, indent=indent, ensure_ascii=False).replace("[", "[" + " " * LONG)
    wanted = records(seed, count)
    assert [row for part in row_parts(body.encode(), longest) for row in part] == wanted
    at = data.draw(st.integers(LONG, len(body) - 1))
    damaged = body[:at] + data.draw(st.sampled_from(["]", "}", ",", ":", '"', "NaN", "\\", "x"])) + body[at + 1 :]

    def outcome(size: int) -> Any:
        try:
            return [row for part in row_parts(damaged.encode(), size) for row in part]
        except RequestError as error:
            return error.status

    few, many = outcome(longest), outcome(1 << 30)
    assert few == many or (few == 413 and many == 400)


BAD: list[tuple[str, int, str]] = [
    ("", 400, "not JSON"),
    ("{", 400, "not JSON"),
    ('{"rows": [[1, 2, "Bern"]]', 400, "not JSON"),
    ('{"rows": [[1, 2, "Bern"]]} x', 400, "not JSON"),
    ('{"rows": [[NaN, 2, "Bern"]]}', 400, "NaN"),
    ('{"rows": [[-Infinity, 2, "Bern"]]}', 400, "-Infinity"),
    ('{"rows": [], "rows": []}', 400, "repeats the key 'rows'"),
    ('{"rows": [{"age": 1, "age": 2, "pay": 1, "city": null}]}', 400, "repeats the key 'age'"),
    ("[" * 20_000, 400, "nested too deeply"),
    ('{"rows": ' + "[" * 100_000 + "]" * 100_000 + "}", 400, "nested too deeply"),
    ('{"rows": [[1, 1' + "0" * 5000 + ', "Bern"]]}', 400, "too many digits"),
    ('{"rows": [[1, 1e400, "Bern"]]}', 422, "column 'pay', row 0: a number beyond float64"),
    ('{"rows": [[1, 1' + "0" * 400 + ', "Bern"]]}', 422, "column 'pay', row 0: a number beyond float64"),
    ("[[1, 2]]", 422, "the body is a list"),
    ("null", 422, "the body is null"),
    ("{}", 422, "the object is empty"),
    ('{"rows": {}}', 422, "rows is an object"),
    ('{"rows": [], "answers": []}', 422, "unknown keys 'answers'"),
    ('{"rows": [1]}', 422, "row 0 is a number; expected a list of 3 values"),
    ('{"rows": [[1, 2]]}', 422, "row 0 is a list of 2; expected a list of 3 values"),
    ('{"rows": [[1, 2, "Bern"], [1, 2, "Bern", 4]]}', 422, "row 1 is a list of 4"),
    ('{"rows": [[1, 2, "Bern"], {"age": 1}]}', 422, "row 1 is an object"),
    ('{"rows": [{"age": 1, "pay": 2, "city": "Bern"}, [1, 2, "Bern"]]}', 422, "row 1 is a list, row 0 an object"),
    ('{"rows": [[1, "2", "Bern"]]}', 422, "column 'pay', row 0: the text '2' is not a number or null"),
    ('{"rows": [[1, 2, "Bern"], [1, [2], "Bern"]]}', 422, "column 'pay', row 1: a list is not a number or null"),
    ('{"rows": [[1, 2, ["Bern"]]]}', 422, "column 'city', row 0: a list is not the name of a category or null"),
    ('{"rows": [[1, 2, 1e999]]}', 422, "column 'city', row 0"),
    ('{"rows": [{"age": 1, "pay": 2}]}', 422, "no column 'city' in the data"),
    ('{"rows": [{"age": 1, "pay": 2, "city": null, "extra": 3}]}', 422, "unknown column 'extra'"),
    ('{"rows": [{"age": 1, "pay": 2, "city": null}, {"age": 1, "pay": 2}]}', 422, "row 1 has other keys than row 0"),
    ('{"rows": [{}]}', 422, "no column 'age'"),
    ('{"rows": [[1, 2, "\ud800"]]}', 200, ""),
]  # fmt: skip


@pytest.mark.parametrize("padding", [0, LONG])
def test_what_is_wrong_with_json_is_told_in_one_line(padding: int) -> None:
    with client({"m": table()}) as server:
        for body, status, message in BAD:
            text = body.encode("utf-8", "backslashreplace")
            answer = server.post(text + b" " * padding)
            assert answer.status_code == status, (body[:80], answer.text)
            if status != 200:
                told = answer.json()
                assert answer.headers["content-type"] == "application/problem+json"
                assert message in told["detail"], (body[:80], told)
                assert "\n" not in told["detail"]
                assert len(told["detail"]) <= 1000
                assert told["status"] == status


def test_a_row_and_a_column_are_named_apart_too_and_rows_count_from_the_first_of_all() -> None:
    rows: list[Any] = [[1, 2, "Bern"]] * 5000 + [[1, "x", "Bern"]]
    with client({"m": table()}) as server:
        told = server.predict(rows).json()
    assert (told["row"], told["column"]) == (5000, "pay")
    assert "column 'pay', row 5000" in told["detail"]


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with client({"m": table()}) as server:
        answer = server.post(b'{"rows": [[1, 2, "Z\xfcrich"]]}')
        assert answer.status_code == 400
        assert "byte 19 is not UTF-8" in answer.json()["detail"]
        assert server.post(b"\xef\xbb\xbf{}").status_code == 400


def test_a_category_that_training_did_not_see_is_missing_or_an_error_as_the_model_says() -> None:
    with client({"lenient": table(), "strict": table(unseen="error")}) as server:
        assert server.predict([{**GOOD, "city": "Nowhere"}], "lenient").status_code == 200
        told = server.predict([GOOD, {**GOOD, "city": "Nowhere"}], "strict")
        assert told.status_code == 422
        assert told.json()["column"] == "city"
        assert told.json()["row"] == 1
        assert "'Nowhere' is not one of the names" in told.json()["detail"]


@pytest.mark.needs("pyarrow")
def test_arrow_is_read_as_predict_reads_the_table() -> None:
    rows = records(3, 50)
    columns = {name: [row[name] for row in rows] for name in ("pay", "city", "age")}
    circuit = table()
    with client({"m": circuit, "image": images()}) as server:
        answer = server.post(arrow(columns), ARROW, query="?answers=predictions,scores")
        assert answer.headers["content-type"] == ARROW
        told = models.read_arrow(answer.content)
        assert told["predictions"] == circuit.predict_labels(rows).tolist()
        assert told["scores"] == circuit.decision_function(rows).tolist()
        as_json = server.post(arrow(columns), ARROW, accept=JSON).json()
        assert as_json["predictions"] == told["predictions"]
        back = server.predict(rows, accept=f"text/html, {ARROW};q=0.9, {JSON};q=0.1")
        assert models.read_arrow(back.content)["predictions"] == told["predictions"]
        pixels = np.random.default_rng(0).integers(0, 17, (7, 16), dtype=np.uint8)
        import pyarrow

        lists = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(pixels.reshape(-1)), 16)
        told = models.read_arrow(server.post(arrow({"x": lists}), ARROW, "image").content)
        assert told["predictions"] == images().predict_labels(pixels).tolist()
        assert server.post(arrow({"x": lists.slice(0, 0)}), ARROW, "image").status_code == 200


@pytest.mark.needs("pyarrow")
def test_arrow_of_strangers_is_refused_without_a_fault() -> None:
    import pyarrow
    import pyarrow.ipc

    good = arrow({"age": [1, 2], "pay": [1.0, 2.0], "city": ["Bern", None]})
    made = pyarrow.ipc.open_stream(good).read_all()

    def written(options: Any) -> bytes:
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, made.schema, options=options) as writer:
            writer.write_table(made)
        return sink.getvalue().to_pybytes()

    many = arrow({name: pyarrow.nulls(1_234_567) for name in ("age", "pay", "city")})
    lengths = {size: many.replace(struct.pack("<q", 1_234_567), struct.pack("<q", size)) for size in (1 << 40, -5)}
    dictionary = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1]), pyarrow.nulls(1_234_567))
    entries = arrow({"age": [1, 2], "pay": [1, 2], "city": dictionary})
    cases = [
        (entries, 413), (entries.replace(struct.pack("<q", 1_234_567), struct.pack("<q", 1 << 40)), 413),
        (b"", 400), (b"\xff" * 64, 400), (good[:100], 400), (good[:-20], 400), (b"{}", 400),
        (written(pyarrow.ipc.IpcWriteOptions(compression="zstd")), 400),
        (written(pyarrow.ipc.IpcWriteOptions(compression="lz4")), 400),
        (many, 413), (lengths[1 << 40], 413), (lengths[-5], 400),
        (arrow({"age": [1], "pay": [1.0]}), 422), (arrow({"age": [1], "pay": [1.0], "city": ["x"], "more": [1]}), 422),
        (arrow({"age": ["x"], "pay": [1.0], "city": ["Bern"]}), 422),
        (arrow({"age": [[1]], "pay": [1.0], "city": ["Bern"]}), 422),
        (arrow({"age": [{"a": 1}], "pay": [1.0], "city": ["Bern"]}), 422),
    ]  # fmt: skip
    with client({"m": table()}) as server:
        for body, status in cases:
            answer = server.post(body, ARROW)
            assert answer.status_code == status, (body[:60], answer.text)
        assert "column 'age', row 0: 'x' is not a number" in server.post(cases[14][0], ARROW).json()["detail"]
        chance = random.Random(5)
        for _ in range(400):  # bits anywhere
            damaged = bytearray(good)
            for _ in range(chance.randint(1, 6)):
                damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            assert server.post(bytes(damaged), ARROW).status_code in (200, 400, 413, 422)


@pytest.mark.needs("pyarrow")
def test_nulls_which_take_no_room_do_not_become_arrays_without_end() -> None:
    import pyarrow

    rows = 60_000
    body = arrow({"x": pyarrow.FixedSizeListArray.from_arrays(pyarrow.nulls(rows * 256), 256)})
    few = arrow({"x": pyarrow.FixedSizeListArray.from_arrays(pyarrow.nulls(100 * 256), 256)})
    assert len(body) < 1000
    with client({"m": images(shape=(1, 16, 16))}) as server:
        answer = server.post(body, ARROW)
        assert (answer.status_code, "60,000 rows" in answer.text) == (413, True)
        assert server.post(few, ARROW).status_code == 200


@pytest.mark.needs("pyarrow")
def test_compression_is_seen_before_anything_is_unpacked() -> None:
    import pyarrow
    import pyarrow.ipc

    columns = {"a": pyarrow.array(range(1000)), "b": pyarrow.array(["x", "y"] * 500).dictionary_encode()}
    made = pyarrow.table(columns)
    for compression in (None, "lz4", "zstd"):
        for legacy in (False, True):
            options = pyarrow.ipc.IpcWriteOptions(compression=compression, use_legacy_format=legacy)
            sink = pyarrow.BufferOutputStream()
            with pyarrow.ipc.new_stream(sink, made.schema, options=options) as writer:
                writer.write_table(made)
            assert is_compressed(sink.getvalue().to_pybytes()) == (compression is not None)


def test_media_types_methods_and_paths_that_are_not_known_are_refused() -> None:
    body = json.dumps({"rows": [GOOD]}).encode()
    with client({"m": table()}) as server:
        for media in (
            "",
            "text/plain",
            "application/jsonp",
            "application/json; charset=latin-1",
            "multipart/form-data",
        ):
            assert server.post(body, media).status_code == 415, media
        for media in ("application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'):
            assert server.post(body, media).status_code == 200, media
        assert server.post(body, **{"content-encoding": "gzip"}).status_code == 415
        assert server.post(body, accept="text/html").status_code == 406
        assert server.post(body, accept="application/*;q=0.2, text/html").status_code == 200
        assert server.post(body, accept=f"{JSON};q=0").status_code == 406
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"):
            answer = server.request(method, "/models/m/predict")
            assert answer.status_code == 405, method
            assert answer.headers["allow"] == "POST"
        assert server.request("POST", "/models").status_code == 405
        assert server.request("HEAD", "/models").status_code == 200
        paths = (
            "/",
            "/models/",
            "/models/no",
            "/models/m/",
            "/models/m/predict/",
            "/models/../m",
            "/x" * 500,
            "/models/%00",
        )
        for path in paths:
            assert server.get(path).status_code == 404, path
        assert server.post(body, name="no").json()["detail"] == "there is no model 'no'; there are m"


def test_the_query_is_as_strict_as_the_body() -> None:
    numbers = CircuitBuilder((2,))
    numbers.popcount(numbers.compare([0, 1], [0.5, 0.5]), 1, scale=[2.0], offset=[0.5])
    with client({"m": table(), "number": numbers.build(objective="regression")}) as server:
        for query, status in {
            "?answers=": 422, "?answers=labels": 422, "?answer=scores": 422, "?answers=scores,": 422, "?x": 422,
            "?temperature=1_0": 422, "?temperature=%D9%A3": 422, "?temperature=1&temperature=2": 422,
            "?temperature=1e-3": 200,
            "?temperature=0": 422, "?temperature=nan": 422, "?temperature=x": 422, "?temperature=1e999": 422,
            "?answers=%ff": 422, "?" + "answers=scores&" * 100: 422, "?answers=scores&temperature=2": 200,
        }.items():  # fmt: skip
            assert server.predict([GOOD], query=query).status_code == status, query
        assert server.predict([[1, 0]], "number").json()["predictions"] == [2.5]
        assert server.predict([[1, 0]], "number", "?temperature=2").status_code == 422


def test_limits_of_bytes_rows_and_declared_lengths() -> None:
    limits = ServerLimits(max_bytes=2000, max_rows=5)
    with client({"m": table()}, limits=limits) as server:
        assert server.predict([GOOD] * 5).status_code == 200
        assert server.predict([GOOD] * 6).status_code == 413
        long = server.predict([GOOD] * 50)
        assert long.status_code == 413
        assert long.headers["connection"] == "close"

        async def parts() -> Any:
            for _ in range(300):
                yield b" " * 10

        assert server.post(parts()).status_code == 413  # without a length
        assert server.post(b"{}", **{"content-length": "x"}).status_code == 400
        assert server.post(b"{}", **{"content-length": "9" * 30}).status_code == 413
        assert server.get("/models/m").json()["limits"]["max_rows"] == 5
    with pytest.raises(ValueError, match="max_rows is 0"):
        ServerLimits(max_rows=0)
    with pytest.raises(TypeError, match="timeout is '1'"):
        ServerLimits(timeout="1")  # type: ignore[arg-type]


def test_an_answer_has_a_limit_too_which_counts_what_is_asked_for() -> None:
    with client({"m": table()}, limits=ServerLimits(max_values=100)) as server:
        assert server.predict([GOOD] * 100).status_code == 200
        assert server.predict([GOOD] * 101).status_code == 413
        assert server.predict([GOOD] * 50, query="?answers=scores").status_code == 200
        told = server.predict([GOOD] * 3, query="?answers=outputs")
        assert told.status_code == 413
        assert told.json()["detail"].startswith("120 values are more than the 100 values")
        assert server.predict([GOOD] * 26, query="?answers=scores&temperature=1").status_code == 413


def test_a_token_is_asked_for_everywhere_but_for_health() -> None:
    with client({"m": table()}, token="s3cret") as server:
        assert server.get("/healthz").status_code == server.get("/readyz").status_code == 200
        for given_token in (None, "Bearer wrong", "Bearer s3cret2", "bearer", "Basic s3cret"):
            headers = {} if given_token is None else {"authorization": given_token}
            answer = server.predict([GOOD], **headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert server.get("/metrics", headers=headers).status_code == 401
        assert server.predict([GOOD], authorization="bearer s3cret").status_code == 200
        right = {"authorization": "Bearer s3cret"}
        assert server.predict([GOOD], **right).status_code == 200
        document = server.get("/openapi.json", headers=right).json()
        assert document["paths"]["/models/m/predict"]["post"]["security"] == [{"token": []}]
    for token in ("", "two words", "ü"):
        with pytest.raises(ValueError, match="token"):
            application({"m": table()}, token=token)


def test_a_larger_application_may_mount_it() -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    inner = application({"m": table()}, token="s3cret", watch=False)
    larger = Starlette(routes=[Mount("/served", inner)])
    with client(inner) as server:
        transport = httpx.ASGITransport(larger)
        http = httpx.AsyncClient(transport=transport, base_url="http://server")

        def status(method: str, path: str, **options: Any) -> int:
            return server.runner.run(http.request(method, path, **options)).status_code

        right = {"authorization": "Bearer s3cret"}
        assert status("GET", "/served/healthz") == 200
        assert status("GET", "/served/models") == status("GET", "/served/models/healthz") == 401
        assert status("GET", "/served/models", headers=right) == 200
        assert status("POST", "/served/models/m/predict", json={"rows": [GOOD]}, headers=right) == 200


def test_requests_have_ids_and_lines_of_json_where_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with client({"m": table()}, access_log=True) as server:
        first, second = (server.predict([GOOD, GOOD]) for _ in range(2))
        own = server.predict([[1]], **{"x-request-id": "mine-1"})
        odd = server.predict([GOOD], **{"x-request-id": "a b\t"})
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert own.headers["x-request-id"] == "mine-1"
    assert odd.headers["x-request-id"] != "a b\t"
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    assert [(line["status"], line["rows"]) for line in lines] == [(200, 2), (200, 2), (422, None), (200, 1)]
    assert lines[2]["request"] == "mine-1"
    assert lines[0]["path"] == "/models/m/predict"


def test_metrics_count_what_happened() -> None:
    with client({"m": table()}) as server:
        for count in (1, 3):
            server.predict([GOOD] * count)
        server.predict([[1]])
        text = server.get("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert values['lutsmith_requests_total{model="m",status="200"}'] == "2"
    assert values['lutsmith_requests_total{model="m",status="422"}'] == "1"
    assert values['lutsmith_rows_total{model="m"}'] == "4"
    assert values['lutsmith_batches_total{model="m"}'] == "2"
    assert values['lutsmith_batch_rows_bucket{model="m",le="1"}'] == "1"
    assert values['lutsmith_batch_rows_bucket{model="m",le="+Inf"}'] == "2"
    assert values['lutsmith_request_seconds_count{model="m"}'] == "3"
    assert values['lutsmith_waiting_rows{model="m"}'] == "0"


def test_models_are_listed_with_what_is_known_of_them() -> None:
    with client({"m": table(), "image": images()}) as server:
        every = {model["name"]: model for model in server.get("/models").json()["models"]}
        assert list(every) == ["m", "image"]
        assert every["m"] == server.get("/models/m").json()
        assert every["m"]["columns"] == ["age", "pay", "city"]
        assert every["m"]["classes"] == ["no", "yes"]
        assert every["image"]["columns"] is None
        assert every["image"]["input_shape"] == [1, 4, 4]
        assert every["m"]["version"] == server.predict([GOOD]).headers["x-model-version"]
