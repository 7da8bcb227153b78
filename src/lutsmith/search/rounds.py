"""Rounds of a search with several members: steps of all, a look at the validation rows, an exchange."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lutsmith.ground.arguments import whole_number
from lutsmith.search.checkpoint import SearchState
from lutsmith.search.members import Arrays, Members, Standing, exchange
from lutsmith.search.settings import SearchSettings

MEMBER = "member"
Told = Callable[[int, float, dict[str, Any]], None]
"""Is told after each round: steps of each member, the loss of the best one, and the figures of the look."""


class Rounds:
    """The rounds of a search.

    Args:
        members: all of them.
        settings: of the search.
        state: where to begin; it is kept up to date at the end of each round.

    Attributes:
        between: whether the state is that of the members: not within a round.
    """

    def __init__(self, members: Members, settings: SearchSettings, state: SearchState) -> None:
        self._members, self._settings, self.state, self.between = members, settings, state, True
        self._best = 0
        if state.arrays:
            self._best = whole_number(
                "best_member", state.looks[-1]["best_member"] if state.looks else 0, 0, settings.members - 1
            )
            members.restore(state.step, {number: self._own(number) for number in range(settings.members)})

    def _own(self, number: int) -> Arrays:
        begin = f"{MEMBER}{number}_"
        found = {name.removeprefix(begin): array for name, array in self.state.arrays.items() if name.startswith(begin)}
        for name in ("tables", "fanin"):
            if name not in found:
                raise KeyError(f"{begin}{name}")
        return found

    def run(self, told: Told) -> None:
        """Let the members search to the end."""
        state, settings = self.state, self._settings
        began, before = time.perf_counter(), state.seconds
        if state.step == 0 and state.best is None:
            self._look(self._members.advance(0))
        while state.stopped is None and state.step < settings.steps:
            state.seconds = before + time.perf_counter() - began
            if settings.max_seconds is not None and state.seconds >= settings.max_seconds:
                break
            every = settings.exchange_every
            until = min(state.step - state.step % every + every, settings.steps)
            self.between = False
            standings = self._members.advance(until)
            state.step = until
            state.seconds = before + time.perf_counter() - began
            figures = self._look(standings)
            replaced = exchange(self._members, standings, settings, until) if until < settings.steps else []
            figures["replaced"] = replaced
            self.between = True
            told(until, figures["loss"], figures)

    def _look(self, standings: list[Standing]) -> dict[str, Any]:
        """Compare the members, and keep the best circuit on the validation rows."""
        state, settings = self.state, self._settings
        self._best = max(range(len(standings)), key=lambda number: (standings[number].rank, -number))
        loss, accuracy, value = standings[self._best]
        figures: dict[str, Any] = {
            "best_member": self._best,
            "step": state.step,
            "loss": loss,
            "hard": accuracy,
            "validation_loss": value,
        }
        if accuracy is not None and value is not None:
            if state.best is None or (accuracy, -value) > (state.best[0], -state.best[1]):
                state.best, state.waited = (accuracy, value, state.step), 0
                tables, wires = self.circuit()
                state.arrays["best_tables"], state.arrays["best_fanin"] = tables, wires
            else:
                state.waited += 1
                if settings.patience is not None and state.waited >= settings.patience:
                    state.stopped = f"no better network in {state.waited} looks at the validation rows"
            figures["members"] = [standing.accuracy for standing in standings]
        figures["seconds"] = state.seconds
        if state.step:
            state.looks.append(figures)
        return figures

    def circuit(self) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        """Return tables and wires of the member that was best in the last round."""
        (state,) = self._members.states([self._best])
        return state["tables"], state["fanin"]

    def save(self) -> None:
        """Put what all members need to go on into the arrays of the state."""
        every = self._members.states(range(self._settings.members))
        kept = {name: array for name, array in self.state.arrays.items() if name.startswith("best_")}
        for number, own in enumerate(every):
            kept |= {f"{MEMBER}{number}_{name}": array for name, array in own.items()}
        self.state.arrays.clear()
        self.state.arrays |= {**kept, "tables": every[0]["tables"], "fanin": every[0]["fanin"]}
