"""Requests drawn from the server's own OpenAPI: what it allows is answered as it says, and the rest is 4xx."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lutsmith.circuit import save
from lutsmith.serving import ServerLimits
from lutsmith.serving.loaded import LoadedModel
from lutsmith.serving.openapi import document

from ..circuit.examples import random_rich_circuit
from ..tools import module
from .models import ARROW, JSON, Client, client, images, records, table
from .test_real_server import Server, serving

schemathesis = module("schemathesis")

TINY = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("models")
    made = {
        "table": table(),
        "strict": table(unseen="error"),
        "image": images(),
        "long": next(c for c in map(random_rich_circuit, range(500)) if is_long(c)),
        "several": next(c for c in map(random_rich_circuit, range(500)) if "several" in str(c.info()["head"])),
    }
    for name, circuit in made.items():
        save(circuit, folder / f"{name}.lut")
    with serving(*(folder / f"{name}.lut" for name in made), "--max-rows", "50", models=len(made)) as found:
        yield found
        assert found.process.poll() is None, found.process.communicate()
        _, err = found.end()
        assert "Traceback" not in err


def is_long(circuit: Any) -> bool:
    return circuit.words is not None and circuit.words.formats.is_long


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize(
    "path", ["/models/table/predict", "/models/strict/predict", "/models/image/predict", "/models/long/predict",
             "/models/several/predict", "/models/table", "/models", "/readyz", "/metrics", "/healthz"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_the_server_keeps_what_its_openapi_says(server: Server, path: str, mode: str) -> None:
    base = server.urls[0].partition("/models")[0]
    refused = {"checks": {"negative_data_rejection": {"expected-statuses": [400, 404, 405, 406, 413, 415, 422]}}}
    config = schemathesis.Config.from_dict(refused)
    schema = schemathesis.openapi.from_url(f"{base}/openapi.json", config=config)
    method = "POST" if path.endswith("predict") else "GET"
    if method == "GET" and mode == "negative":
        return  # there is nothing that could be wrong
    operation = schema[path][method]
    options = {"media_type": JSON} if method == "POST" else {}
    cases = operation.as_strategy(schemathesis.GenerationMode(mode), **options)
    statuses = set()

    @TINY
    @given(case=cases)
    def check(case: Any) -> None:
        response = case.call_and_validate(base_url=base, timeout=60)
        statuses.add(response.status_code)
        assert response.status_code < 500

    check()
    assert statuses & ({200} if mode == "positive" else {400, 413, 415, 422}), statuses


@pytest.fixture(scope="module")
def local() -> Iterator[Client]:
    with client({"m": table(), "image": images()}, limits=ServerLimits(max_rows=50)) as found:
        yield found


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["rows", "age"]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["rows", "age", "pay", "city", "label", "x"]), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_bytes_with_any_headers_are_answered_below_500(local: Client, data: st.DataObject) -> None:
    document = data.draw(ANY_JSON)
    body = data.draw(
        st.sampled_from([
            json.dumps(document).encode(),
            json.dumps({"rows": document}).encode(),
            json.dumps({"rows": [document, {"age": 1, "pay": 2, "city": "Bern"}]}).encode(),
        ])
        | st.binary(max_size=200)
    )  # fmt: skip
    headers = data.draw(
        st.dictionaries(
            st.sampled_from(["accept", "content-encoding", "x-request-id", "authorization", "expect", "range"]),
            st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
            | st.sampled_from([JSON, ARROW, "*/*", f"{ARROW};q=x", "gzip", "100-continue", "application/*;q=0.1"]),
            max_size=3,
        )
    )
    media = data.draw(st.sampled_from([JSON, ARROW, "text/plain", f"{JSON};charset=utf-8"]))
    query = data.draw(
        st.sampled_from(["", "?answers=scores", "?answers=%00", "?temperature=1", "?answers=scores&x=1", "?&&="])
    )
    name = data.draw(st.sampled_from(["m", "image", "%2e%2e", "m%2Fpredict", "é"]))
    answer = local.post(body, media, name, query, **headers)
    assert answer.status_code < 500, answer.text


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 3000))
def test_answers_of_every_kind_of_circuit_are_those_that_openapi_describes(seed: int) -> None:
    circuit = random_rich_circuit(seed)
    model = LoadedModel.of_circuit(circuit, ServerLimits())
    described = document({"m": model}, with_arrow=True, with_token=False)
    operation = described["paths"]["/models/m/predict"]["post"]
    request = operation["requestBody"]["content"][JSON]["schema"]
    response = operation["responses"]["200"]["content"][JSON]["schema"]
    row: list[Any] = [3, 0, -5, 7, 1, 2, 0, 1]
    body = {"rows": [row, [row[:4], row[4:]]]}
    jsonschema.validate(body, request)
    rows = model.json_rows.read(json.dumps(body).encode())
    temperature = 2.0 if model.answers.probable else None
    needed = model.answers.needed(model.answers.kinds, temperature)
    from lutsmith.serving.answers import as_json

    told = model.answers.told(model.answers.compute(rows, needed), model.answers.kinds, temperature)
    answer = json.loads(as_json(told, {"model": "m", "version": "x"}))
    jsonschema.validate(answer, response)
    assert {*model.answers.kinds} <= set(answer)
    for wrong in ({"rows": [row[:7]]}, {"rows": [["x", *row[1:]]]}, {"row": []}, {"rows": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, request)


def test_columns_categories_and_classes_are_in_the_document() -> None:
    with client({"lenient": table(), "strict": table(unseen="error"), "image": images()}) as server:
        found = server.get("/openapi.json").json()

    def schemas(name: str) -> tuple[Any, Any]:
        operation = found["paths"][f"/models/{name}/predict"]["post"]
        body = operation["requestBody"]["content"][JSON]["schema"]
        jsonschema.Draft202012Validator.check_schema(body)
        return body["properties"]["rows"], operation["responses"]["200"]["content"][JSON]["schema"]["properties"]

    record, listed = (kind["items"] for kind in schemas("strict")[0]["anyOf"])
    assert record["required"] == ["age", "pay", "city"]
    assert record["additionalProperties"] is False
    assert record["properties"]["age"]["type"] == ["number", "boolean", "null"]
    assert record["properties"]["age"]["description"] == "in training 17 to 90"
    assert record["properties"]["city"]["enum"][:2] == ["Bern", "Zürich"]
    assert listed["prefixItems"] == [record["properties"][name] for name in ("age", "pay", "city")]
    assert "enum" in schemas("lenient")[0]["anyOf"][0]["items"]["properties"]["city"]["anyOf"][0]
    assert schemas("strict")[1]["predictions"]["items"] == {"enum": ["no", "yes"]}
    flat, nested = schemas("image")[0]["items"]["anyOf"]
    assert (flat["minItems"], nested["minItems"]) == (16, 1)
    assert ARROW in found["paths"]["/models/strict/predict"]["post"]["requestBody"]["content"]
    jsonschema.validate(records(0, 30), schemas("lenient")[0])


def test_the_server_does_not_go_anywhere_for_a_request(local: Client, tmp_path: Path) -> None:
    save(images(), tmp_path / "other.lut")
    for name in ("other", str(tmp_path / "other"), "..%2Fother", "file:%2F%2F%2Fetc%2Fpasswd", "http:%2F%2Fx"):
        answer = local.post(b'{"rows": []}', name=name)
        assert answer.status_code in (404, 405), name
        assert "location" not in answer.headers
