"""When a run is saved, which run a checkpoint belongs to, and how a run resumes from one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lutsmith.training.files.folder import TrainingFolder
from lutsmith.training.isolation import generator_states, set_generator_states
from lutsmith.training.loop.feed import Feed
from lutsmith.training.loop.state import TrainingState
from lutsmith.training.parts import Parts
from lutsmith.training.ranks.ranks import ALONE, ProcessLostError, Ranks
from lutsmith.training.settings import Settings

_SAVING_SHARE = 0.05  # an epoch's end is saved only while saving costs at most this share of the time


def identity(settings: Settings, feed: Feed, parts: Parts) -> dict[str, Any]:
    """Return what a checkpoint must share with the run that resumes from it."""
    return {"settings": settings.to_json(), "data": feed.fingerprint(), "parts": parts.described()}


class Checkpointing:
    """Saves the state of a run in its folder, and brings it back.

    Args:
        folder: of the run.
        state: the state to save.
        run: which run it is: its `identity`.
        earlier: the text that stands for its data in checkpoints of earlier versions.
        seconds: within an epoch, from one checkpoint to the next.
        ranks: the processes of the run: the first one reads and writes.
    """

    def __init__(
        self,
        folder: TrainingFolder,
        state: TrainingState,
        run: dict[str, Any],
        earlier: str,
        seconds: float,
        ranks: Ranks = ALONE,
    ) -> None:
        self._ranks = ranks
        self._folder, self._state, self._run, self._earlier, self._seconds = folder, state, run, earlier, seconds
        self._cost = 0.0
        self._saved = time.perf_counter()

    def sit_down(self) -> None:
        """Start counting the time to the next checkpoint."""
        self._saved = time.perf_counter()

    def due_within_epoch(self) -> bool:
        """Return whether it is time to save after a batch."""
        return time.perf_counter() - self._saved >= self._seconds

    def due_after_epoch(self) -> bool:
        """Return whether an epoch's end is worth what saving costs."""
        return time.perf_counter() - self._saved >= self._cost / _SAVING_SHARE

    def save(self) -> None:
        """Write the checkpoint, if there is a folder to write to."""
        if self._folder.path is None:
            return
        began = time.perf_counter()
        self._state.position.mean_loss()  # a state that is not finite must not replace one that is
        self._folder.save({**self._run, **self._state.to_checkpoint()})
        self._saved = time.perf_counter()
        self._cost = self._saved - began

    def restore(self) -> None:
        """Go to the position of the folder's checkpoint; stay at the beginning if there is none.

        Raises:
            ValueError: the checkpoint belongs to other settings, other data or another model.
            CheckpointError: it cannot be read.
        """
        saved = self._ranks.first_does(self._read)
        if saved is not None:
            with _refusing(self._folder):
                self._state.adopt(saved)

    @contextmanager
    def step_kept_if_others_are_lost(self) -> Iterator[None]:
        """Save if another process is lost in the block, a step: it is taken again later.

        Nothing has changed by then but random generators and statistics, such as those of batch norm: they are put
        back.
        """
        if self._ranks.alone or self._folder.path is None:
            yield
            return
        generators, statistics = generator_states(), _statistics(self._state.model)
        try:
            yield
        except ProcessLostError:
            set_generator_states(generators)
            with torch.no_grad():
                for buffer, value in statistics:
                    buffer.copy_(value)
            self.save()
            raise

    @contextmanager
    def kept_if_others_are_lost(self) -> Iterator[None]:
        """Save if another process is lost in the block, which comes after a step and changes nothing."""
        try:
            yield
        except ProcessLostError:
            self.save()
            raise

    def _read(self) -> dict[str, Any] | None:
        """Return what the checkpoint holds, if it is of this run; None where there is none."""
        saved = self._folder.load()
        if saved is None:
            return None
        with _refusing(self._folder):
            if saved["data"] == self._earlier:
                saved["data"] = self._run["data"]
            if found := differences(self._run, saved):
                raise ValueError(f"it is of a run with other arguments: {'; '.join(found)}")
        return saved


def _statistics(model: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Return the buffers that a forward pass may change, and copies of them. Wiring, which is large, is integers."""
    return [(buffer, buffer.detach().clone()) for buffer in model.buffers() if _may_change(buffer)]


def _may_change(buffer: Tensor) -> bool:
    return buffer.is_floating_point() or buffer.numel() == 1


@contextmanager
def _refusing(folder: TrainingFolder) -> Iterator[None]:
    """Say of what a checkpoint does not fit that it is the checkpoint."""
    try:
        yield
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        where = "the run" if folder.path is None else str(folder.checkpoint)
        raise ValueError(f"cannot resume from {where}: {error}") from error


def differences(run: dict[str, Any], saved: dict[str, Any]) -> list[str]:
    """Return a phrase for each setting and each part, and for the data, in which a checkpoint differs from a run."""
    settings = {**Settings().to_json(), **saved["settings"]}  # without a setting that came later, its default held
    found = [
        f"{name} is {value!r} and was {settings[name]!r}"
        for name, value in run["settings"].items()
        if value != settings[name]
    ]
    found += [
        f"{kind} is {', '.join(texts) or 'none'} and was {', '.join(saved['parts'][kind]) or 'none'}"
        for kind, texts in run["parts"].items()
        if texts != saved["parts"][kind]
    ]
    return found if run["data"] == saved["data"] else [*found, f"data are {run['data']} and were {saved['data']}"]
