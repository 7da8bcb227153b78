"""The course of training: a network is grown, its best prefix is kept, and its LUTs are fitted again in sweeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lutsmith.additive.candidates import Candidates
from lutsmith.additive.codes import draw_codes
from lutsmith.additive.monotone import Unate
from lutsmith.additive.network import VotingLut, are_read, levels
from lutsmith.additive.rows import Rows, RowSource
from lutsmith.additive.settings import AdditiveSettings
from lutsmith.additive.start import Start, best_tau
from lutsmith.additive.steps import Steps

TOGETHER = 4
"""LUTs that are chosen beside each other where they vote for the same scores."""

FRESH = 16
"""Steps of a sweep after which what float32 has lost is put right, and a state can be kept."""


@dataclass(frozen=True)
class Growth:
    """The progress of training at one step.

    Attributes:
        luts: how many LUTs the network has.
        total: how many LUTs it has at the end, at most.
        stage: "growing", or "start" for a given circuit; then "sweep 1", "sweep 2", ...
        loss: mean loss of the training rows, at the tau of that time.
        validation: `data.report.score` of the validation rows; None without such rows.
        validation_loss: their mean loss, at the same tau.
        seconds: of training so far, over all sessions of a resumed run.
        left: an estimate of the seconds that it will still take; None where there is none.
    """

    luts: int
    total: int
    stage: str
    loss: float
    validation: float | None
    validation_loss: float | None
    seconds: float
    left: float | None


Watch = Callable[[Growth], bool | None]
"""Is told how far training has come; ends it where it returns True."""


@dataclass
class State:
    """The state of training: all that it needs to go on, beside settings and data.

    Attributes:
        network: the LUTs so far.
        stage: 0 while the network grows, then the number of the sweep.
        turn: the next step of the stage.
        best: the network that was best on the validation rows, since growing ended.
        best_score: what it reached there; while the network grows, that of the best prefix.
        best_loss: its loss there.
        least: the score below which no sweep is taken: that of the network before them.
        kept: LUTs of the best prefix.
        tau: that of a circuit that was given; None: the settings'.
        steps: Growth, step by step.
        seconds: of training in earlier sittings.
    """

    network: list[VotingLut] = field(default_factory=list)
    stage: int = 0
    turn: int = 0
    best: list[VotingLut] = field(default_factory=list)
    best_score: float = -np.inf
    best_loss: float = np.inf
    least: float = -np.inf
    kept: int = 0
    tau: float | None = None
    steps: list[Growth] = field(default_factory=list)
    seconds: float = 0.0


class Course:
    """Trains a network on the rows of a source.

    Args:
        settings: how to go about it.
        source: of training rows.
        check: the validation rows, or None.
        candidates: what is tried.
        state: where to begin.
        start: a circuit whose LUTs are fitted anew, and nothing is grown; where the state is none yet, that is where
            to begin.
        unate: which way tables may depend on bits; None: anyhow.
        most: steps of growing at the most, of as many as max_luts gives; None: all of them.
        watch: called with each step; once it returns True, training stops growing and sweeping.
        keep: called with the state whenever training can go on from it.

    Attributes:
        grown: after growing, all LUTs that were, those behind the best prefix among them.
    """

    def __init__(
        self,
        settings: AdditiveSettings,
        source: RowSource,
        check: Rows | None,
        candidates: Candidates,
        state: State,
        start: Start | None = None,
        unate: Unate | None = None,
        most: int | None = None,
        watch: Watch | None = None,
        keep: Callable[[State], None] | None = None,
    ) -> None:
        self.settings, self.source, self.check, self.candidates, self.state = settings, source, check, candidates, state
        self._start, self._most, self._watch, self._keep = start, most, watch, keep
        self._steps, self._unate = Steps(settings, candidates, unate), unate
        self.grown: list[VotingLut] = []
        self._stopped = False
        self._began = time.perf_counter()
        self._seconds = state.seconds
        scores = source.goal.num_scores
        if start is None:
            self.codes = draw_codes(scores, settings.plus, settings.minus, settings.num_codes, settings.seed)
        else:
            self.codes = np.unique([lut.code != 0 for lut in start.network[: start.free]], axis=0).astype(np.int32)
            if state.stage == 0:
                state.network, state.best, state.stage = list(start.network), list(start.network), 1
        self._whole = 1.0 if settings.tau is None else settings.tau
        self.one_each = len(self.codes) == scores
        self.at_once = scores if self.one_each else min(TOGETHER, settings.max_luts)
        self.rounds = max(1, settings.max_luts // self.at_once)
        self.train = source.draw(self._draw_of(state.stage, state.turn))

    def run(self) -> list[VotingLut]:
        """Train; return the network that is best on the validation rows, the last one without such rows."""
        state = self.state
        tau = self._tau(state.turn) if state.stage == 0 else self._end
        for rows in self._all():
            rows.replay(state.network, tau)
        if self._unate is not None:
            for place, lut in enumerate(state.network):
                self._unate.put(lut, place)
        self._learn()
        if self._start is not None and not state.steps:
            self._begin(self._start)
        if state.stage == 0:
            self._grow()
        while 0 < state.stage <= self.settings.sweeps and not self._ended():
            self._sweep()
        return state.best

    @property
    def _end(self) -> float:
        """The tau of a whole network."""
        return self._whole if self.state.tau is None else self.state.tau

    # Growing

    def _tau(self, turn: int) -> float:
        start = self.settings.tau_start
        return float(self._whole * (start**2 + (1 - start**2) * (turn + 1) / self.rounds) ** 0.5)

    def _grow(self) -> None:
        state = self.state
        while state.turn < (self.rounds if self._most is None else self._most):
            turn, tau = state.turn, self._tau(state.turn)
            if self.source.changes and turn and self._draw_of(0, turn) != self._draw_of(0, turn - 1):
                self.train = self.source.draw(self._draw_of(0, turn))
                self.train.replay(state.network, tau)
            self.train.votes.begin(tau)
            readable = None
            if self.settings.depth > 1:
                depths = levels(state.network, self.candidates.bits)
                readable = [np.flatnonzero(depths < self.settings.depth)] * self.at_once
            before = len(state.network)
            found = self._steps.grow(self.train, self._codes_of(turn), (0, turn), readable=readable)
            for place, lut in enumerate(found, before):
                self._put(lut, place)
                if self.check is not None:
                    self.check.cast(lut)
                self.candidates.learn(lut.inputs)
            state.network += found
            state.turn += 1
            if self._is_best(self._tell()):
                state.kept = len(state.network)
            if self._ended() or self._is_stuck():
                break
            self._save()
        self.grown = list(state.network)
        for rows in self._all():
            for lut in state.network[state.kept :]:
                rows.cast(lut, -1)
        del state.network[state.kept :]
        state.best, state.stage, state.turn, state.least = list(state.network), 1, 0, state.best_score

    def _is_stuck(self) -> bool:
        patience = self.settings.patience
        last = self.state.kept // self.at_once
        return patience is not None and self.check is not None and self.state.turn - last >= patience

    def _codes_of(self, turn: int) -> list[NDArray[np.int32]]:
        """The codes of a round: each in turn, in an order that is drawn anew where there are many."""
        count = len(self.codes)
        if self.one_each:
            return list(self.codes)
        places = range(turn * self.at_once, (turn + 1) * self.at_once)
        orders = {cycle: np.random.default_rng([self.settings.seed, 0xC1C, cycle]).permutation(count)
                  for cycle in {place // count for place in places}}  # fmt: skip
        return [self.codes[orders[place // count][place % count]] for place in places]

    # Sweeps

    def _begin(self, start: Start) -> None:
        """Find the tau of a circuit, and what it reaches: the best so far."""
        if self.train.goal.step is None:
            self.state.tau = best_tau(self.train.votes, start.unit)
        self.train.votes.begin(self._end)
        self._is_best(self._tell())
        self.state.least = self.state.best_score
        self._save()

    def _sweep(self) -> None:
        """Take LUTs out, some at a time, and fit others in their place, where the training loss is lower then."""
        state = self.state
        stage = state.stage
        if self.source.changes and state.turn == 0:
            self.train = self.source.draw(self._draw_of(stage, 0))
            self.train.replay(state.network, self._end)
        turns = self._turns(stage)
        while state.turn < len(turns):
            if state.turn % FRESH == 0:
                self.train.votes.begin(self._end)
                self._learn()
            self._refit(turns[state.turn], (stage, state.turn))
            state.turn += 1
            if state.turn % FRESH == 0 or state.turn == len(turns):
                self._tell()
            if self._ended():
                break
            if state.turn % FRESH == 0 and state.turn < len(turns):
                self._save()
        if self._is_best(self._measured(self._end)):
            state.best = list(state.network)
        state.stage, state.turn = stage + 1, 0
        self._save()

    def _turns(self, stage: int) -> list[list[int]]:
        """The LUTs of each step: of one code each where a code is one score, else some at a time. Codes do not change,
        so that a state in the midst of a sweep gives the same steps.
        """
        network = self.state.network
        rng = np.random.default_rng([self.settings.seed, 1, stage])
        free = np.arange(len(network) if self._start is None else self._start.free)
        if not self.one_each:
            order = rng.permutation(free).tolist()
            return [order[start : start + self.at_once] for start in range(0, len(order), self.at_once)]
        groups: dict[bytes, list[int]] = {}
        for place in free.tolist():
            groups.setdefault((network[place].code != 0).tobytes(), []).append(place)
        orders = [rng.permutation(group).tolist() for group in groups.values()]
        most = max(map(len, orders), default=0)
        return [[order[turn] for order in orders if turn < len(order)] for turn in range(most)]

    def _refit(self, places: Sequence[int], stream: tuple[int, int]) -> None:
        network, train = self.state.network, self.train
        if self.settings.depth > 1:  # what others read stays; they may have come to read it in this sweep
            read = are_read(network, self.candidates.bits)
            places = [place for place in places if not read[place]]
        olds = [network[place] for place in places]
        loss = train.votes.loss()
        for lut in olds:
            train.cast(lut, -1)
        readable = None
        if self.settings.depth > 1:
            shallow = levels(network, self.candidates.bits) < self.settings.depth
            shallow[list(places)] = False
            readable = [np.flatnonzero(shallow[:place]) for place in places]
        codes = [lut.code if self.settings.weights == (1,) else lut.code // np.gcd.reduce(lut.code) for lut in olds]
        news = self._steps.grow(train, codes, stream, olds, readable)
        if train.votes.loss() > loss:  # together they may do worse than each of them alone
            for new, old in zip(news, olds, strict=True):
                train.cast(new, -1)
                train.cast(old)
            return
        for place, new, old in zip(places, news, olds, strict=True):
            network[place] = new
            self._put(new, place)
            if self.check is not None:
                self.check.cast(old, -1)
                self.check.cast(new)

    # What is told and kept

    def _learn(self) -> None:
        """Let the features that the network reads be those that have gained: what a state tells, however it came."""
        self.candidates.forget()
        if self.state.network:
            self.candidates.learn(np.concatenate([lut.inputs for lut in self.state.network]))

    def _put(self, lut: VotingLut, place: int) -> None:
        """Let others read the output of the network's LUT of this place."""
        for rows in self._all():
            rows.put(lut, place)
        if self._unate is not None:
            self._unate.put(lut, place)

    def _all(self) -> list[Rows]:
        return [self.train] if self.check is None else [self.train, self.check]

    def _draw_of(self, stage: int, turn: int) -> int:
        """Which draw of the source a step works on."""
        redraws = self.settings.redraws
        return min(redraws, turn * (redraws + 1) // self.rounds) if stage == 0 else redraws + stage

    def _save(self) -> None:
        if self._keep is not None:
            self._keep(self.state)

    def _ended(self) -> bool:
        limit = self.settings.max_seconds
        return self._stopped or (limit is not None and self._now() >= limit)

    def _now(self) -> float:
        return self._seconds + time.perf_counter() - self._began

    def _measured(self, tau: float) -> tuple[float, float] | None:
        """Score and loss of the validation rows, where there are some."""
        if self.check is None:
            return None
        self.check.votes.begin(tau)
        return self.check.score(), self.check.votes.loss()

    def _is_best(self, measured: tuple[float, float] | None) -> bool:
        """Whether the network is at least as good as the best so far, which it is then."""
        state = self.state
        if measured is None:
            return True
        reached, lost = measured
        by_loss = self.settings.chosen_by == "loss" and lost <= state.best_loss and reached >= state.least
        if by_loss or (self.settings.chosen_by != "loss" and reached >= state.best_score):
            state.best_score, state.best_loss = reached, lost
            return True
        return False

    def _tell(self) -> tuple[float, float] | None:
        state, settings = self.state, self.settings
        measured = self._measured(self._tau(state.turn - 1) if state.stage == 0 else self._end)
        reached, lost = measured or (None, None)
        total = self.rounds * self.at_once
        seconds = self._now()
        done: float
        left: float | None
        if state.stage == 0:
            done, growing = len(state.network), total + settings.sweeps * total
            left = seconds / done * (growing - done)
            stage = "growing"
        else:
            total = len(state.network)
            turns = max(1, -(-total // self.at_once))
            grown = 0 if self._start else total
            done = grown + (state.stage - 1 + min(1.0, state.turn / turns)) * total
            left = seconds / done * (grown + total * settings.sweeps - done) if done else None
            stage = f"sweep {state.stage}" if done else "start"
        state.seconds = seconds
        step = Growth(len(state.network), total, stage, self.train.votes.loss(), reached, lost, seconds,
                      None if left is None else max(0.0, left))  # fmt: skip
        state.steps.append(step)
        if self._watch is not None and self._watch(step):
            self._stopped = True
        return measured
