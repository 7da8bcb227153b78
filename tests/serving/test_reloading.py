"""Models by name, and files that change while they are served."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from lutsmith.circuit import Circuit, ModelFileError, save
from lutsmith.circuit.file import to_bytes
from lutsmith.serving import ServerLimits, application, catalog
from lutsmith.serving.catalog import Catalog, named_models

from .models import client, images, table

ROWS = [[(place * 7) % 17 for place in range(16)]] * 3


def label(circuit: Circuit) -> list[str]:
    return list(circuit.predict_labels(ROWS))


def others() -> tuple[Circuit, Circuit]:
    """Two circuits that say different things about the rows."""
    first = images(0)
    return first, next(images(seed) for seed in range(1, 100) if label(images(seed)) != label(first))


def test_a_new_file_answers_and_a_broken_one_does_not(tmp_path: Path) -> None:
    first, second = others()
    path = tmp_path / "m.lut"
    save(first, path)
    with client({"m": path}) as server:

        def refreshed(force: bool = False) -> list[str]:
            return server.app.catalog.refresh(force=force)

        assert server.predict(ROWS).json()["predictions"] == label(first)
        assert refreshed() == refreshed(force=True) == []
        save(second, path)
        (told,) = refreshed()
        assert told.startswith("m: loaded, version ")
        assert server.predict(ROWS).json()["predictions"] == label(second)
        version = server.predict(ROWS).headers["x-model-version"]

        for broken in (to_bytes(first)[:-40], b"", b"not a model"):
            path.write_bytes(broken)
            (told,) = refreshed()
            assert "the new file is refused, the earlier model goes on" in told
            assert refreshed() == []  # it is not read again until it changes
            assert server.predict(ROWS).json()["predictions"] == label(second)
            ready = server.get("/readyz")
            assert ready.status_code == 200
            assert ready.json()["status"] == "stale"
            assert ready.json()["models"]["m"]["version"] == version
            assert "file" in ready.json()["models"]["m"]["failure"]
            assert 'lutsmith_model_stale{model="m"} 1' in server.get("/metrics").text
        path.unlink()
        (told,) = refreshed()
        assert "there is no model file" in told
        assert server.predict(ROWS).json()["predictions"] == label(second)
        save(second, path)
        assert refreshed() == ["m: the file is again what answers"]
        assert server.get("/readyz").json()["status"] == "ok"
        text = server.get("/metrics").text
        assert 'lutsmith_reloads_total{model="m",outcome="loaded"} 1' in text
        assert 'lutsmith_reloads_total{model="m",outcome="refused"} 4' in text


def test_a_change_that_time_and_size_do_not_show_is_seen_when_it_is_asked_for(tmp_path: Path) -> None:
    first, second = others()
    path = tmp_path / "m.lut"
    save(first, path)
    catalog = Catalog({"m": path}, ServerLimits())
    served = catalog["m"]
    save(second, path)
    served._seen = served._stamp()  # as if it had been written within one tick of the clock
    assert catalog.refresh() == []
    assert len(catalog.refresh(force=True)) == 1
    catalog.close()


def test_what_may_pass_is_tried_again_and_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = others()
    path = tmp_path / "m.lut"
    save(first, path)
    found = Catalog({"m": path}, ServerLimits())
    save(second, path)

    def full(_: object) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(catalog, "read_bytes", full)
        (told,) = found.refresh()
        assert "Too many open files" in told
        assert found.refresh() == []
        assert found["m"].metrics.reloads["refused"] == 1
    (told,) = found.refresh()
    assert told.startswith("m: loaded, version ")
    assert found["m"].failure is None
    found.close()


def test_any_fault_of_loading_leaves_the_earlier_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = others()
    path = tmp_path / "m.lut"
    save(first, path)
    found = Catalog({"m": path}, ServerLimits())
    version = found["m"].current.version
    save(second, path)

    def faulty(*_: object) -> None:
        raise KeyError("of a fault")

    with monkeypatch.context() as patch:
        patch.setattr(catalog.LoadedModel, "of_bytes", faulty)
        (told,) = found.refresh()
    assert "the earlier model goes on" in told
    assert "of a fault" in told
    assert found["m"].current.version == version
    found.close()


def test_reloads_go_on_where_nobody_reads_stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = others()
    path = tmp_path / "m.lut"
    save(first, path)

    def broken(_: str) -> int:
        raise BrokenPipeError

    with client({"m": path}, access_log=True) as server:
        save(second, path)
        monkeypatch.setattr(sys.stderr, "write", broken)
        assert len(server.runner.run(server.app.reload())) == 1
        assert server.predict(ROWS).json()["predictions"] == label(second)


def test_openapi_is_that_of_the_model_which_answers(tmp_path: Path) -> None:
    path = tmp_path / "m.lut"
    save(images(), path)
    with client({"m": path}) as server:
        before = server.get("/openapi.json").json()["paths"]["/models/m/predict"]
        save(table(), path)
        server.app.catalog.refresh()
        after = server.get("/openapi.json").json()["paths"]["/models/m/predict"]
    assert "city" not in str(before)
    assert "city" in str(after)


def test_a_request_keeps_the_model_that_it_began_with(tmp_path: Path) -> None:
    first, second = others()
    path = tmp_path / "m.lut"
    save(first, path)
    with client({"m": path}) as server:

        async def slowly():
            yield b'{"rows": '
            save(second, path)  # after the head, before the body
            server.app.catalog.refresh()
            yield str(ROWS).encode() + b"}"

        assert server.post(slowly()).json()["predictions"] == label(first)
        assert server.predict(ROWS).json()["predictions"] == label(second)


def test_names_are_those_of_files_unless_others_are_given() -> None:
    assert named_models(["a/adult.lut", "mine=b/model.lut", "./x=y.lut"][:2]) == {
        "adult": Path("a/adult.lut"),
        "mine": Path("b/model.lut"),
    }
    for given, message in {
        ("a/model.lut", "b/model.lut"): "two models have the name 'model': a/model.lut and b/model.lut",
        ("m=a.lut", "m=b.lut"): "two models have the name 'm'",
        ("a b.lut",): "the name of a model is 'a b'",
        ("=a.lut",): "the name of a model is ''",
        ("ü=a.lut",): "the name of a model is 'ü'",
        ("./x=y.lut",): "the name of a model is 'x=y'",
    }.items():
        with pytest.raises(ValueError, match=message):
            named_models(list(given))


def test_models_that_cannot_be_served_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no model file"):
        application({"m": tmp_path / "none.lut"})
    with pytest.raises(IsADirectoryError):
        application({"m": tmp_path})
    (tmp_path / "bad.lut").write_bytes(b"x" * 100)
    with pytest.raises(ModelFileError, match=r"cannot load .*bad\.lut"):
        application(tmp_path / "bad.lut")
    os.mkfifo(tmp_path / "pipe.lut")
    with pytest.raises(ModelFileError, match="not a regular file"):
        application(tmp_path / "pipe.lut")
    with pytest.raises(ValueError, match="models is empty"):
        application({})
    with pytest.raises(ValueError, match="the name of a model is 'a/b'"):
        application({"a/b": images()})
