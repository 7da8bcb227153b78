"""ABC: netlists through its commands, and what its output means.

ABC (Berkeley's system for sequential synthesis and verification) ends with status 0 whatever happens: its output and
the files that it leaves are the only signals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lutsmith.circuit.netlist import Netlist
from lutsmith.formats.aiger import to_aiger
from lutsmith.formats.blif import from_blif, to_blif
from lutsmith.formats.named import FormatError
from lutsmith.ground.arguments import one_of
from lutsmith.hardware.tools import toolchain
from lutsmith.hardware.tools.tool import Finished, ToolFailed

EXCHANGES = ("aiger", "blif")

_REFUSED = re.compile(
    r"^(?:\*\* cmd error|usage:|Error: |Cannot open |Io_\w+(?:\(\))?: |Warning: Constant-0 drivers|.* has failed\.).*$",
    re.MULTILINE,
)
"""A command that is not known or does not apply, or a file that is not there or not whole: ABC goes on as if the
command had not been there, or with what it could read."""

_COMPLAINT = re.compile(
    r"^(?:.*\bError\b|Cannot|There is no|Empty network|.*\bfailed\b|.*only possible).*$", re.MULTILINE
)


@dataclass(frozen=True)
class Rewritten:
    """What ABC made of a netlist.

    Attributes:
        netlist: with the inputs, outputs and registers of the one that it was made from, in their order.
        output: what ABC printed.
        seconds: that ABC took.
    """

    netlist: Netlist
    output: str
    seconds: float


def script(commands: str, folder: Path, timeout: float | None) -> Finished:
    """Run ABC commands, separated by semicolons, in a folder. What it prints is for the caller to judge.

    Raises:
        ToolMissing: there is no ABC.
        ToolFailed: it could not be started, crashed, refused a command or a file, or (ToolTimeout) took too long.
    """
    finished = toolchain.find("abc").run(["-c", commands], cwd=folder, timeout=timeout)
    if _REFUSED.search(finished.stdout + finished.stderr):
        raise _refused(finished)
    return finished


def run(netlist: Netlist, commands: str, timeout: float | None = None, *, exchange: str = "aiger") -> Rewritten:
    """Return what ABC's commands make of the netlist. Nothing is proved: `optimise` does that.

    Registers stay as they are: ABC sees what they hold as inputs and what they take next as outputs.

    Args:
        netlist: any.
        commands: for example "dch; if -K 6; mfs2". The network is read before them; after them the current network must
            have at most 8 inputs a node.
        timeout: seconds for ABC; None waits for ever.
        exchange: how ABC gets the netlist: "aiger", as ANDs, or "blif", LUT by LUT.

    Raises:
        ToolMissing, ToolFailed: as `script` raises them; or the commands left no network with these inputs and outputs.
        ValueError: another exchange.
    """
    one_of("exchange", exchange, EXCHANGES)
    cut = combinational(netlist)
    if cut.outputs.size == 0:  # ABC refuses a network without outputs, and there is nothing to do
        return Rewritten(rejoined(_empty(cut.num_inputs), netlist), "", 0.0)
    with toolchain.workspace() as folder:
        if exchange == "aiger":
            given = "given.aig"
            (folder / given).write_bytes(to_aiger(cut))
        else:
            given = "given.blif"
            (folder / given).write_text(to_blif(cut), encoding="utf-8")
        finished = script(f"read {given}; {commands}; write_blif made.blif", folder, timeout)
        made = folder / "made.blif"
        if not made.is_file():
            raise _refused(finished)
        try:
            named = from_blif(made.read_text(encoding="utf-8", errors="replace"), strict=True)
        except FormatError as error:
            raise ToolFailed(f"what ABC wrote cannot be read: {error}", finished.stdout) from error
    sizes = named.netlist.num_inputs, named.netlist.outputs.size, named.netlist.num_registers
    if sizes != (cut.num_inputs, cut.outputs.size, 0):
        made_of = f"{sizes[0]} inputs, {sizes[1]} outputs and {sizes[2]} registers"
        expected = f"{cut.num_inputs} inputs and {cut.outputs.size} outputs"
        raise ToolFailed(f"ABC made a network of {made_of}, expected {expected}", finished.stdout)
    return Rewritten(rejoined(named.netlist, netlist), finished.stdout, finished.seconds)


def combinational(netlist: Netlist) -> Netlist:
    """Return the netlist with its registers cut: what they hold are further inputs, what they take further outputs."""
    return replace(
        netlist,
        num_inputs=netlist.num_inputs + netlist.num_registers,
        outputs=np.concatenate([netlist.outputs, netlist.register_next]),
        register_next=np.zeros(0, np.int32),
        register_init=np.zeros(0, np.bool_),
    )


def rejoined(cut: Netlist, original: Netlist) -> Netlist:
    """Undo `combinational`: return `cut` with its last inputs and outputs as the registers of `original`."""
    if original.num_registers == 0:
        return cut
    return replace(
        cut,
        num_inputs=original.num_inputs,
        outputs=cut.outputs[: original.outputs.size],
        register_next=cut.outputs[original.outputs.size :],
        register_init=original.register_init,
    )


def _empty(inputs: int) -> Netlist:
    none = np.zeros(0, np.int32)
    return Netlist(inputs, none, np.zeros(1, np.int64), np.zeros(0, np.uint64), none, np.zeros(1, np.int64), none)


def _refused(finished: Finished) -> ToolFailed:
    printed = finished.stdout + finished.stderr
    complaint = _REFUSED.search(printed) or _COMPLAINT.search(printed)
    why = complaint[0].strip() if complaint else "it left no result"
    return ToolFailed(f"ABC did not do its work: {why}", printed)
