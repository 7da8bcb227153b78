"""CIFAR-10 in every form it is passed on in, pickles that nothing is called of, and folders of PNG images."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lutsmith.data import DataError, MissingDataError, check, load, load_test
from lutsmith.data.images import pickles
from lutsmith.data.images.pickles import read_pickle
from tests.tools import module

COUNT = 4
"""Images of a planted batch."""


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUTSMITH_DATA", raising=False)


def batches() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    generator = np.random.default_rng(0)
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    return {
        name: (generator.integers(0, 256, (COUNT, 3, 32, 32), np.uint8), generator.integers(0, 10, COUNT))
        for name in names
    }


def python_2(images: np.ndarray, labels: np.ndarray) -> bytes:
    """A batch as Python 2 and NumPy 1 wrote it, opcode by opcode."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes([len(value)]) + value

    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x01(cnumpy\nndarray\nq\x02K\x00\x85" + text(b"b") + b"tR"
    kind = (
        b"cnumpy\ndtype\nq\x03("
        + text(b"u1")
        + b"K\x00K\x01tR(K\x03"
        + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    rows = images.reshape(len(images), -1)
    shape = b"K" + bytes([len(rows)]) + b"M\x00\x0c\x86"
    data = rows.tobytes()
    state = b"(K\x01" + shape + kind + b"\x89T" + len(data).to_bytes(4, "little") + data + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels.tolist()) + b"e"
    names = b"](" + text(b"a.png") * len(rows) + b"e"
    pairs = text(b"data") + array + state + text(b"labels") + numbers + text(b"filenames") + names
    return b"\x80\x02}q\x00(" + text(b"batch_label") + text(b"testing batch 1 of 1") + pairs + b"u."


def differenced(images: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(images, 1, 0)
    delta = np.stack([red - green, green, blue - green])
    for axis in (2, 3):
        delta = np.diff(delta, axis=axis, prepend=np.uint8(0))
    return delta


def binary(images: np.ndarray, labels: np.ndarray) -> bytes:
    return np.concatenate([labels.astype(np.uint8)[:, None], images.reshape(len(images), -1)], axis=1).tobytes()


def pickled(protocol: int, text: type = bytes) -> Callable[[np.ndarray, np.ndarray], bytes]:
    def write(images: np.ndarray, labels: np.ndarray) -> bytes:
        keys = [b"data", b"labels"] if text is bytes else ["data", "labels"]
        return pickle.dumps(dict(zip(keys, (images.reshape(COUNT, -1), labels.tolist()), strict=True)), protocol)

    return write


FORMS: dict[str, Callable[[np.ndarray, np.ndarray], bytes]] = {
    "binary": binary,
    "python 2": python_2,
    **{f"protocol {number}": pickled(number) for number in (2, 3, 4, 5)},
    "text": pickled(4, str),
}


@pytest.mark.parametrize("form", [*FORMS, "npz", "delta"])
@pytest.mark.parametrize("inner", ["", "cifar10"])
def test_every_form_of_cifar_gives_the_same_images(tmp_path: Path, form: str, inner: str) -> None:
    folder, made = tmp_path / inner, batches()
    folder.mkdir(exist_ok=True)
    train = [made[name] for name in list(made)[:5]]
    x, y = (np.concatenate([part[side] for part in train]) for side in (0, 1))
    if form in FORMS:
        for name, batch in made.items():
            (folder / (name + ".bin" * (form == "binary"))).write_bytes(FORMS[form](*batch))
    else:
        for part, (images, labels) in {"train": (x, y), "test": made["test_batch"]}.items():
            held = {"x": images} if form == "npz" else {"delta": differenced(images)}
            np.savez(folder / f"cifar10_{part}.npz", y=labels.astype(np.uint8), **held)
    found = load("cifar-10", tmp_path)
    assert found.x_train.dtype == np.uint8
    assert found.y_train.dtype == np.int64
    np.testing.assert_array_equal(found.x_train, x)
    np.testing.assert_array_equal(found.y_train, y)
    np.testing.assert_array_equal(found.x_test, made["test_batch"][0])
    assert found.classes[3] == "cat"
    for told, expected in zip(load_test("cifar-10", found.classes, tmp_path), made["test_batch"], strict=True):
        np.testing.assert_array_equal(told, expected)


@pytest.mark.skipif("LUTSMITH_DATA" not in os.environ, reason="needs LUTSMITH_DATA")
def test_cifar_is_cifar(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load("cifar-10", Path(DATA))
    assert found.x_train.shape == (50000, 3, 32, 32)
    assert found.y_train[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert found.x_test is not None
    means = [found.x_train.mean(axis=(0, 2, 3)) / 255, found.x_test.mean(axis=(0, 2, 3)) / 255]
    np.testing.assert_allclose(means[0], [0.49139968, 0.48215841, 0.44653091], atol=1e-8)
    np.testing.assert_allclose(means[1], [0.49421428, 0.48513139, 0.45040909], atol=1e-8)


DATA = os.environ.get("LUTSMITH_DATA", "")


def test_missing_batches_say_which_files_and_where(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError) as raised:
        check("cifar-10", tmp_path)
    for part in ("data_batch_1.bin", "test_batch", "cifar10_train.npz", str(tmp_path), "LUTSMITH_DATA"):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("form", "held", "says"),
    [
        ("binary", lambda x, y: binary(x, y)[:-1], "expected a label and 3,072 pixels"),
        ("binary", lambda x, y: binary(x, y + 10), "label 1[0-9]; cifar-10 has the classes 0 to 9"),
        ("binary", lambda x, y: b"", "0 images"),
        ("python", lambda x, y: python_2(x, y)[:500], "not a sound pickle"),
        ("python", lambda x, y: pickle.dumps([1, 2]), "without the keys data and labels"),
        ("python", lambda x, y: pickle.dumps({"data": x, "labels": ["cat"] * 4}), "labels hold something else"),
        ("python", lambda x, y: pickle.dumps({"data": 7, "labels": [1]}), "the images are a int"),
        ("python", lambda x, y: pickle.dumps({"data": x[:, :2], "labels": y}), r"images are uint8 \(4, 2, 32, 32\)"),
    ],
)
def test_batches_that_are_none_are_told_in_one_line(tmp_path: Path, form: str, held: Any, says: str) -> None:
    for name, batch in batches().items():
        (tmp_path / (name + ".bin" * (form == "binary"))).write_bytes(held(*batch))
    with pytest.raises(DataError, match=says) as raised:
        load("cifar-10", tmp_path)
    assert "\n" not in str(raised.value)


# Pickles


class _Calls:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.told = function, arguments

    def __reduce__(self) -> Any:
        return self.told


def _lengths(name: bytes, length: int) -> bytes:
    return b"\x80\x04" + name + length.to_bytes(8, "little") + b"x."


SHORT = pickle.dumps(np.zeros((2, 3), np.uint8), 2)
HOSTILE = {
    "os.system": (pickle.dumps(_Calls(os.system, "touch planted")), "it names '(posix|nt).system'"),
    "eval": (pickle.dumps(_Calls(eval, "1")), "it names 'builtins.eval'"),
    "eval, text": (b"cbuiltins\neval\n(S'1'\ntR.", "it names 'builtins.eval'"),
    "a dotted name": (b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.", "it names 'numpy.ndarray.dump'"),
    "objects": (pickle.dumps(np.array([{}], object)), "an array of Python objects"),
    "structures": (pickle.dumps(np.zeros(2, "i4,f4")), "an array of type 'V8'"),
    "an instance": (b"\x80\x02cnumpy\nndarray\n)\x81.", "the opcode NEWOBJ"),
    "an old instance": (b"(ios\nsystem\n.", "the opcode INST"),
    "persistent": (b"Pother\n.", "the opcode PERSID"),
    "an extension": (b"\x80\x02\x82\x01.", "the opcode EXT1"),
    "a codec": (pickle.dumps(_Calls(__import__("_codecs").encode, "a", "rot13")), "it calls encode"),
    "a call of a text": (b"\x80\x02X\x01\x00\x00\x00a)R.", "it calls a str"),
    "a function": (b"cnumpy\nndarray\n.", "it holds a function"),
    "a list that is built": (b"\x80\x02]X\x01\x00\x00\x00aX\x01\x00\x00\x00b\x86b.", "it changes a list"),
    "keys that hash for ever": (b"\x80\x02}" + b")" + b"q\x00h\x00\x86" * 60 + b"K\x01s.", "a tuple as a key"),
    "a large array": (
        SHORT.replace(b"K\x02K\x03\x86", b"J\xff\xff\xff\x7fK\x03\x86"),
        r"shape \(2147483647, 3\) and 6 bytes",
    ),
    "a small array": (SHORT.replace(b"K\x02K\x03\x86", b"K\x01K\x03\x86"), r"shape \(1, 3\) and 6 bytes"),
    "long bytes": (_lengths(b"\x8e", 1 << 40), "expected 1099511627776 bytes"),
    "long text": (_lengths(b"\x8d", 1 << 62), "expected 4611686018427387904 bytes"),
    "a far memo": (b"\x80\x02Nr\xff\xff\xff\x7fj\xff\xff\xff\x7f0.", "the opcode POP"),
    "no memo": (b"\x80\x02h\x07.", "not a sound pickle"),
    "no stack": (b"\x80\x02e.", "not a sound pickle"),
    "no end": (b"\x80\x02N", "not a sound pickle"),
    "nothing": (b"", "not a sound pickle"),
    "text": (b"hello\n", "not a sound pickle"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_in_one_line_and_nothing_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    held, says = HOSTILE[name]
    path = tmp_path / "batch"
    path.write_bytes(held)
    with pytest.raises(DataError, match=says) as raised:
        read_pickle(path)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400 + len(str(path))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["batch"]


def test_files_that_are_too_large_or_not_there_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps(list(range(100))))
    assert read_pickle(path) == list(range(100))
    monkeypatch.setattr(pickles, "LARGEST", 50)
    with pytest.raises(DataError, match="a pickle of more than 50 is not read"):
        read_pickle(path)
    with pytest.raises(DataError, match="cannot read"):
        read_pickle(tmp_path / "none")


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["u1", "<i4", ">i8", "f4", "?", ">f8"])
def test_arrays_come_back(tmp_path: Path, protocol: int, dtype: str) -> None:
    arrays: dict[str, Any] = {
        "c": np.arange(24).reshape(2, 3, 4).astype(dtype),
        "f": np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype)),
        "empty": np.zeros((0, 3), dtype),
        "list": [1, 2.5, None, True, "ä", b"\x80", (1, (2,)), {"a": [3]}],
    }
    if protocol == 0:  # text, which Python 3 writes the values of arrays in by an encoder of its own
        arrays = {"list": [1, -7, 1 << 70, None, True, "ä", (1, (2,)), {"a": [3]}]}
    (tmp_path / "arrays").write_bytes(pickle.dumps(arrays, protocol))
    found = read_pickle(tmp_path / "arrays")
    assert found.pop("list") == arrays.pop("list")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


# Folders of images


def plant(folder: Path, images: dict[str, np.ndarray], mode: str | None = None, **options: Any) -> None:
    image = module("PIL.Image")
    for name, pixels in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        made = image.fromarray(pixels if pixels.ndim == 2 else np.moveaxis(pixels, 0, 2))
        (made if mode is None else made.convert(mode)).save(folder / name, **options)


def colour(seed: int, shape: tuple[int, ...] = (3, 5, 4)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("shape", [(3, 5, 4), (5, 4)], ids=["colour", "gray"])
def test_folders_of_images_are_read_class_by_class(tmp_path: Path, shape: tuple[int, ...]) -> None:
    names = ["train/10/b.png", "train/2/a.PNG", "train/10/a.png", "test/2/x.png", "test/10/y.png"]
    made = {name: colour(number, shape) for number, name in enumerate(names)}
    plant(tmp_path / "svhn", made)
    (tmp_path / "svhn" / "train" / "10" / "notes.txt").touch()
    (tmp_path / "svhn" / "train" / ".hidden").mkdir()
    found = load("images", tmp_path / "svhn")
    assert (found.classes, found.name) == ((2, 10), "svhn")
    assert found.y_train.tolist() == [0, 1, 1]
    images = [made[name].reshape(-1, 5, 4) for name in ("train/2/a.PNG", "train/10/a.png", "train/10/b.png")]
    np.testing.assert_array_equal(found.x_train, images)
    x, y = load_test("images", (10, 2), tmp_path / "svhn")
    assert y.tolist() == [0, 1]
    np.testing.assert_array_equal(x, [made[name].reshape(-1, 5, 4) for name in ("test/10/y.png", "test/2/x.png")])


def test_without_a_test_folder_there_is_no_test_part(tmp_path: Path) -> None:
    plant(tmp_path, {"train/cat/1.png": colour(0), "train/Dog 2/1.png": colour(1)})
    found = load("images", tmp_path)
    assert found.classes == ("Dog 2", "cat")
    assert found.x_test is None
    with pytest.raises(MissingDataError, match="has no folder test/"):
        load_test("images", found.classes, tmp_path)


def test_folders_that_cannot_be_read_are_told_in_one_line(tmp_path: Path) -> None:
    image = module("PIL.Image")
    good = {"train/cat/1.png": colour(0), "train/dog/1.png": colour(1)}
    whole = np.full((3, 5, 4), 7, np.uint8)
    cases: list[tuple[str, Callable[[Path], Any], str]] = [
        (
            "size",
            lambda at: plant(at, {"train/dog/2.png": colour(2, (3, 4, 4))}),
            "is 4 x 5 in colour and .* 4 x 4 in c",
        ),
        ("gray", lambda at: plant(at, {"train/dog/2.png": colour(2, (5, 4))}), "is 4 x 5 in gray; expected images of"),
        ("palette", lambda at: plant(at, {"train/dog/2.png": whole}, "P"), "dog/2.png: the image has a palette"),
        ("alpha", lambda at: plant(at, {"train/dog/2.png": whole}, "RGBA"), "has a channel of transparency"),
        (
            "key",
            lambda at: plant(at, {"train/dog/2.png": whole}, transparency=(7, 7, 7)),
            "has a channel of transparency",
        ),
        ("bits", lambda at: plant(at, {"train/dog/2.png": whole}, "1"), "has one bit a pixel"),
        (
            "16",
            lambda at: image.fromarray(np.zeros((5, 4), np.uint16)).save(at / "train/dog/2.png"),
            "16 .*bits a pixel",
        ),
        (
            "cut",
            lambda at: (at / "train/dog/1.png").write_bytes((at / "train/cat/1.png").read_bytes()[:60]),
            "not a sound",
        ),
        ("text", lambda at: (at / "train/dog/1.png").write_text("hello"), "dog/1.png: not a sound PNG image"),
        (
            "jpeg",
            lambda at: image.fromarray(np.zeros((5, 4), np.uint8)).save(at / "train/dog/1.png", "JPEG"),
            "not a sound",
        ),
        ("empty", lambda at: (at / "train/bird").mkdir(), "bird: no files: expected PNG images"),
        (
            "other",
            lambda at: (at / "train/dog/1.png").rename(at / "train/dog/1.gif"),
            "of the endings .gif, but no PNG",
        ),
        ("class", lambda at: plant(at, {"test/bird/1.png": colour(2)}), "bird is none of the classes cat, dog"),
        ("part", lambda at: plant(at, {"test/dog/1.png": colour(2)}), "no folder cat/, which is a class"),
        (
            "test",
            lambda at: plant(at, {f"test/{n}/1.png": colour(2, (3, 4, 4)) for n in ("cat", "dog")}),
            "images of test/",
        ),
        ("none", lambda at: (at / "train").rename(at / "other"), "has no folder train/; expected train/ and test/"),
    ]
    for name, change, says in cases:
        plant(tmp_path / name, good)
        change(tmp_path / name)
        with pytest.raises(DataError, match=says) as raised:
            load("images", tmp_path / name)
        assert "\n" not in str(raised.value)
    (tmp_path / "bare" / "train").mkdir(parents=True)
    with pytest.raises(MissingDataError, match="one for each class"):
        load("images", tmp_path / "bare")
    with pytest.raises(MissingDataError, match="give data=FOLDER"):
        load("images")


def test_without_pillow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train" / "cat").mkdir(parents=True)
    (tmp_path / "train" / "cat" / "1.png").write_bytes(b"\x89PNG")
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'lutsmith\[images\]'"):
        load("images", tmp_path)
