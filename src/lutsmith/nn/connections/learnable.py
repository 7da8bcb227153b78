"""Learnable connections: every slot of a LUT reads the best-scored of a few candidate inputs."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from lutsmith.ground.arguments import check_options, one_of, whole_number
from lutsmith.ground.registry import own_hint
from lutsmith.kernels.training import ops
from lutsmith.kernels.training.reads import Reads
from lutsmith.nn.connections.at_places import Places, placed
from lutsmith.nn.connections.base import LearnedConnections
from lutsmith.nn.connections.channels import channel_pools, channel_windows
from lutsmith.nn.connections.pools import check_alike, checked_pools, first_places, replace_worst
from lutsmith.nn.connections.sources import GroupSources, Sources, WindowSources, group_sources
from lutsmith.nn.connections.windows import Windows, local_windows
from lutsmith.nn.connections.wirings import REPEATING, WIRINGS, check_method, draw_wiring
from lutsmith.nn.places import checked_owners, wrong_owners

SAMPLINGS = ("hard", "soft", "gumbel")
RANDOM = ("random", "random-unique")  # pools are distinct and balanced under either name


class LearnableConnections(LearnedConnections):
    """Each slot has `num_candidates` candidate inputs with a score each, and reads the one with the highest score.

    What a slot reads in training, with `s = softmax(scores / temperature)`:

    - `sampling="hard"`: the same as in eval mode. Backward is the straight-through gradient of the mix `sum_k s_k x_k`
      (`rule="softmax"`), or `(2 x_k - 1) g` for the scores and `s_k g` for the inputs (`rule="dwn"`, DWN's
      LearnableMapping).
    - `sampling="gumbel"`: the same, with fresh Gumbel noise added to the scores (from torch's global generator).
    - `sampling="soft"`: the mix `sum_k s_k x_k`; a falling temperature takes it to the hard choice.

    In eval mode, and in the circuit, it is the candidate with the highest score. A LUT never reads an input twice: the
    pools of its slots are disjoint where there are enough inputs; otherwise a later slot takes its best candidate that
    no earlier one has taken. (The mix of overlapping pools may count an input in two slots.)

    LUTs may share scores: they are then one kernel at several places (`score_of`). Each place has its own candidates,
    and the kernel chooses one candidate number k for each slot: slot l reads candidate k at every place. The places of
    a kernel must therefore agree on which of their candidates are the same input. They do if the pools are disjoint in
    every LUT, as all drawn pools are where `lut_rank` times K inputs are usable. Gumbel noise is drawn once for each
    kernel.

    Parameters: `scores`, float32 `(out_dim, lut_rank, num_candidates)`, or `(kernels, lut_rank, num_candidates)`.
    Buffers: `candidates`, int32 `(out_dim, lut_rank, num_candidates)`; `frozen`, bool scalar; `usable`; `score_of`,
    int32 `(out_dim,)`, where it was given. `temperature` may be set at any time.

    Args:
        in_dim: inputs of the layer.
        out_dim: LUTs of the layer.
        lut_rank: inputs of a LUT.
        num_candidates: K, from 2 to all inputs; -1 means all. Default 8.
        temperature: of the softmax.
        sampling: `"hard"`, `"gumbel"` or `"soft"`.
        rule: `"softmax"` or `"dwn"`; the mix has the gradient of the softmax only.
        init_method: where the candidates come from: `"random"` over all inputs (the default), or one of the fixed
            wirings without repetitions, such as `"local"`, which then deals out rank times K inputs to each LUT; every
            run of LUTs is spread over all its places, so that each class of a head sees the whole image.
        num_groups: cut inputs and LUTs into this many runs; a LUT's candidates come from its own run.
        group_bias: the share of the candidates that come from the LUT's own run, between 0 and 1; the others come from
            other groups.
        candidates: the candidates themselves, integers `(out_dim, lut_rank, K)`, distinct within a slot, in place of a
            method; each slot needs one that no slot before it can take.
        score_of: integers `(out_dim,)`, which scores each LUT uses, numbered from 0 without gaps. None: each LUT has
            its own.
        usable: as for `FixedConnections`.
        generator: draws the candidates and the first scores.
        **options: of the init_method.

    Raises:
        TypeError: candidates or `score_of` that are not integers.
        ValueError: impossible numbers, or candidates among which places with shared scores cannot choose alike.
    """

    indexing: ClassVar[tuple[str, ...]] = ("candidates",)

    candidates: Tensor
    score_of: Tensor | None

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        lut_rank: int,
        *,
        num_candidates: int | None = None,
        temperature: float = 1.0,
        sampling: str = "hard",
        rule: str = "softmax",
        init_method: str | None = None,
        num_groups: int | None = None,
        group_bias: float | None = None,
        candidates: Any = None,
        score_of: Any = None,
        usable: Tensor | None = None,
        generator: torch.Generator | None = None,
        **options: Any,
    ) -> None:
        super().__init__(in_dim, out_dim, lut_rank, temperature=temperature, rule=rule, usable=usable)
        available = len(self.usable_inputs())
        one_of("the connections' sampling", sampling, SAMPLINGS)
        if sampling == "soft" and rule != "softmax":
            raise ValueError(
                "soft connections have the gradient of their softmax; rule='dwn' is for hard and gumbel ones"
            )
        self.sampling = sampling
        method = "random" if init_method is None else init_method
        self.init_method = method if candidates is None else "candidates"
        self._groups = num_groups, group_bias
        self._options = {"image": False, **options} if method == "local" else options
        if candidates is not None:
            settings: dict[str, Any] = {"num_candidates": num_candidates, "init_method": init_method}
            settings |= {"num_groups": num_groups, "group_bias": group_bias, **options}
            if given := [name for name, value in settings.items() if value is not None]:
                raise ValueError(f"candidates are given; they cannot be combined with {', '.join(given)}")
            pools = checked_pools(candidates, (out_dim, lut_rank), self.usable)
            self.num_candidates = pools.shape[2]
        else:
            count = {None: 8, -1: available}.get(num_candidates, num_candidates)
            what = "-1 for all usable inputs or some of them"
            self.num_candidates = whole_number("num_candidates", count, 2, available, what)
            pools = self._drawn(method, generator)
        owners = None if score_of is None else checked_owners("score_of", score_of, out_dim)
        if owners is not None:
            check_alike(pools, owners)
        self.register_buffer("score_of", owners)
        self.register_buffer("candidates", pools)
        kernels = out_dim if owners is None else int(owners.max()) + 1
        shape = kernels, lut_rank, self.num_candidates
        self.scores = nn.Parameter(torch.rand(shape, generator=generator, dtype=torch.float32))
        self.register_buffer("chosen", torch.zeros(out_dim, lut_rank, dtype=torch.int32), persistent=False)

    def _drawn(self, method: str, generator: torch.Generator | None) -> Tensor:
        """The first candidates, int32 `(out_dim, lut_rank, num_candidates)`."""
        if method in RANDOM:
            check_options(f"init_method={method!r}", self._options, ())
            pools = self._group_sources().draw(self.lut_rank, self.num_candidates, generator)
        else:
            known = [name for name in WIRINGS if name not in REPEATING and name != "grouped"]
            one_of("init_method", method, known, hint=own_hint("lutsmith.nn.register_wiring"))
            if self._groups != (None, None):
                raise ValueError(f"num_groups restricts random candidates; {method!r} has its own places")
            if method == "channels":
                pools = channel_pools(self._channel_windows(generator), self.lut_rank, self.num_candidates, generator)
                return torch.from_numpy(pools).int().contiguous()
            width = self.lut_rank * self.num_candidates
            pools = draw_wiring(method, self.usable.numpy(), self.out_dim, width, generator, **self._options)
            pools = pools.reshape(self.out_dim, self.lut_rank, self.num_candidates)
        return torch.from_numpy(pools).int().contiguous()

    def _group_sources(self) -> GroupSources:
        return group_sources(self.usable.cpu().numpy(), self.out_dim, self.num_candidates, *self._groups)

    def _channel_windows(self, generator: torch.Generator | None) -> Windows:
        check_method("channels", self._options)
        usable = self.usable.cpu().numpy()
        return channel_windows(self.in_dim, self.out_dim, self.lut_rank, generator, usable=usable, **self._options)

    def _kernels_of_candidates(self) -> Windows:
        """The windows of kernels again, told by the channels that their candidates have."""
        channels = self._options["channels"]
        taps, luts = self.in_dim // channels, self._options.get("luts_per_kernel", 1)
        usable = self.usable.cpu().numpy().reshape(channels, taps)
        read = self.candidates.cpu().numpy().reshape(self.out_dim // luts, -1) // taps
        members = []
        for kernel in read:
            own = np.unique(kernel)
            members.append((own[:, None] * taps + np.arange(taps))[usable[own]])
        return Windows(members, np.arange(self.out_dim) // luts)

    def _sources(self) -> Sources:
        """What new candidates may be; ValueError where the wiring that gave the first ones has no others."""
        if self.init_method in RANDOM:
            return self._group_sources()
        if self.init_method == "local":
            pool = self.lut_rank * self.num_candidates
            usable = self.usable.cpu().numpy()
            return WindowSources(local_windows(self.in_dim, self.out_dim, pool, usable=usable, **self._options))
        if self.init_method == "channels":
            return WindowSources(self._kernels_of_candidates())
        raise ValueError(
            f"candidates drawn by {self.init_method!r} cannot be refreshed; random and local ones can, and those of "
            "channels"
        )

    def _at_places(self, scores: Tensor) -> Tensor:
        """The scores of every LUT, `(out_dim, lut_rank, num_candidates)`, from those of every kernel."""
        return scores if self.score_of is None else ops.to_places(scores, self.score_of)

    def reads(self) -> Reads:
        if self._stands:
            return Reads(self.chosen)
        scores = self._at_places(self.scores)
        inputs = ops.choose(scores, self.candidates)
        if self.sampling == "soft":
            return Reads(inputs)
        return Reads(inputs, None, self.candidates, scores, self.temperature, self.rule)

    @torch.no_grad()
    def choice(self) -> Tensor:
        return ops.choose(self._at_places(self.scores), self.candidates)

    def rest(self, resting: bool) -> None:
        """As for all learned connections.

        Raises:
            ValueError: slots that read a mix of candidates, or choose with noise.
        """
        if resting and self.sampling != "hard":
            raise ValueError(f"{self.sampling} connections need their scores in each step; take hard ones")
        super().rest(resting)

    def route(self, x: Tensor, places: Places | None = None) -> tuple[Tensor, Reads]:
        if self._stands or self.sampling == "hard":
            return super().route(x, places)
        if self.sampling == "soft":
            scores = self._at_places(self.scores)
            return self._made(x, places, lambda rows: ops.mix(rows, self.candidates, scores, self.temperature))
        noisy = self._at_places(self.scores - torch.empty_like(self.scores).exponential_().log())
        reads = Reads(ops.choose(noisy, self.candidates), None, self.candidates, noisy, self.temperature, self.rule)
        return x, placed(reads, places)

    @torch.no_grad()
    def refresh(self, share: float, generator: torch.Generator | None = None) -> Tensor:
        """Replace the worst-scored candidates of each slot by new ones; what the LUTs read now stays as it is.

        The score of a new candidate begins just below the mean score of those that stay, or below that of the one in
        use, whichever is less. The candidate comes from the same source as the first ones (all inputs, the LUT's
        groups, or its window), and never lets a LUT read an input twice. Where every such input is a candidate already,
        as in windows of rank times K inputs, the old one stays; where places share scores, it stays at all places of
        the kernel or at none. Frozen connections stay as they are.

        Args:
            share: of each slot's candidates, above 0 and below 1; rounded, at least one and at most all but one.
            generator: draws the new candidates.

        Returns:
            Which candidates were replaced, bool of the shape of `scores`: the optimizer's moments there have become
            useless.

        Raises:
            ValueError: an invalid share; candidates that were given, or that come from a wiring with given places, such
                as a butterfly; or places that share scores and have overlapping pools.
        """
        if not 0 < share < 1:
            raise ValueError(f"share is {share}; expected a number above 0 and below 1")
        count = min(self.num_candidates - 1, max(1, int(share * self.num_candidates + 0.5)))
        changed, used = self._replace(count, None, generator)
        own = self.scores.detach().cpu()
        kept = ~changed
        mean = (own * kept).sum(2) / kept.sum(2)
        best = own.masked_fill(~used, -torch.inf).amax(2)
        below = torch.nextafter(torch.minimum(mean, best), torch.tensor(-torch.inf))
        self.scores.copy_(torch.where(changed, below.unsqueeze(-1), own))
        return changed.to(self.scores.device)

    @torch.no_grad()
    def redraw(self, slots: Tensor, lead: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Let some slots choose anew: all their candidates except the one that is read now are replaced, as by
        `refresh`. The score of that one becomes `lead`, and all other scores become 0.

        Args:
            slots: bool `(out_dim, lut_rank)`, or of kernels `(kernels, lut_rank)`.
            lead: of that shape, above 0.
            generator: draws the new candidates.

        Returns:
            Which scores were set, bool of the shape of `scores`.

        Raises:
            ValueError: as for `refresh`.
        """
        _, used = self._replace(self.num_candidates - 1, slots.cpu(), generator)
        changed = (slots.unsqueeze(-1) & ~self.frozen).expand_as(self.scores)
        fresh = torch.where(used.to(self.scores.device), lead.unsqueeze(-1).to(self.scores), 0.0)
        self.scores.copy_(torch.where(changed, fresh, self.scores))
        return changed

    def _replace(self, count: int, slots: Tensor | None, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Replace the `count` worst-scored candidates of each slot, or of some slots of kernels; return which ones were
        replaced, and which are read: bool of the shape of `scores`, on the CPU.
        """
        sources = self._sources()
        chosen, owners = self.inputs().cpu(), None if self.score_of is None else self.score_of.cpu().long()
        candidates, own = self.candidates.cpu(), self.scores.detach().cpu()
        if self._is_frozen:
            return torch.zeros_like(own, dtype=torch.bool), torch.zeros_like(own, dtype=torch.bool)
        scores = own if owners is None else own[owners]
        if slots is not None and owners is not None:
            slots = slots[owners]
        changed = replace_worst(candidates, scores, chosen, count, sources, generator, owners, slots)
        used = candidates == chosen.unsqueeze(-1)
        self.candidates.copy_(candidates)
        if owners is None:
            return changed, used
        first = first_places(owners)  # which candidates are new and which is read is the same at all places of a kernel
        return changed[first], used[first]

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(prefix + "score_of")
        problem = None
        if self.score_of is not None and isinstance(saved, Tensor):
            problem = wrong_owners(prefix + "score_of", saved, len(self.scores))
        if problem is not None:
            args[-1].append(problem)
            return
        super()._load_from_state_dict(state_dict, prefix, *args)
        own = (self.scores, self.candidates, self.scores if self.score_of is None else self.score_of)
        if (self._is_frozen or self.chosen.is_meta) and not any(tensor.is_meta for tensor in own):
            self.chosen = self.choice()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "score_of" not in self._buffers:  # pickled before places could share scores
            self.register_buffer("score_of", None)
        if "chosen" not in self._buffers:  # pickled before the choice was kept
            self.register_buffer("chosen", self.choice(), persistent=False)

    def extra_repr(self) -> str:
        return (
            f"{super().extra_repr()}, num_candidates={self.num_candidates}, sampling={self.sampling!r}, "
            f"rule={self.rule!r}"
        )


class TopKConnections(LearnableConnections):
    """LILogicNet's sparse connections (arXiv:2511.12340): the softmax mix of K random candidates while training.

    In eval mode a slot reads the candidate with the highest score. These are `LearnableConnections` with
    `sampling="soft"`, and take their other arguments.
    """

    def __init__(self, in_dim: int, out_dim: int, lut_rank: int, **settings: Any) -> None:
        for name in ("sampling", "rule"):
            if name in settings:
                raise ValueError(f"top-k connections have no {name}; pass connections='learnable' to choose one")
        super().__init__(in_dim, out_dim, lut_rank, sampling="soft", **settings)
