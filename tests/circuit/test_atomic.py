"""Files are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import BinaryIO

import pytest

from lutsmith.ground.atomic import write_atomically

DATA = b"new" * 100


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch, broken: str) -> None:
    path = tmp_path / "model.lut"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if broken == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, DATA)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.lut"]


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path: Path) -> None:
    def write(file: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as caught:
        write_atomically(tmp_path / "model.lut", write)
    assert caught.value.filename == str(tmp_path / "model.lut")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "model.lut"
    path.write_bytes(b"old")
    script = f"""
        import resource
        from lutsmith.ground.atomic import write_atomically
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_atomically({str(path)!r}, bytes(5000))
        except OSError:
            print("refused")
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.lut"]


def test_a_callback_writes_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "model.lut"
    write_atomically(path, lambda file: [file.write(DATA) for _ in range(2)])
    assert path.read_bytes() == 2 * DATA

    def fail(file: BinaryIO) -> None:
        file.write(b"part")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_atomically(path, fail)
    assert path.read_bytes() == 2 * DATA
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.lut"]


def test_links_and_permissions_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "model.lut", tmp_path / "link.lut"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_atomically(link, DATA)
    assert link.is_symlink()
    assert path.read_bytes() == DATA
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_new_files_have_the_usual_permissions(tmp_path: Path) -> None:
    write_atomically(tmp_path / "model.lut", DATA)
    (tmp_path / "other").touch()
    assert (tmp_path / "model.lut").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_places_that_take_no_file_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder: give the name of a file in it"):
        write_atomically(tmp_path, DATA)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*, create it first"):
        write_atomically(tmp_path / "none" / "model.lut", DATA)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(path, DATA)
        assert os.read(reader, 2 * len(DATA)) == DATA
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert list(tmp_path.iterdir()) == [path]
