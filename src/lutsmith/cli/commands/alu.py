"""`lutsmith alu check` and `lutsmith alu calc`: how right a learned ALU is, and one calculation by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import JsonOption, ModelArgument
from lutsmith.cli.output import Page, deliver, facts_page

if TYPE_CHECKING:
    from rich.console import Console


def check(
    model: ModelArgument,
    points: Annotated[
        int, typer.Option(metavar="N", help="Uniform points of each operation, or all points if there are fewer.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(metavar="S", help="The seed of the points.")] = 0,
    prove: Annotated[
        bool, typer.Option("--prove", help="Also prove each cell, and that the circuit is the ALU of its cells.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Compare each operation of a learned ALU with arithmetic, on new points, and separately on edge points.

    Exit code 1: an answer is wrong, or a proof refutes; 3: no answer is wrong, and a proof does not decide.
    """

    def compute() -> dict[str, Any]:
        from lutsmith.alu.check import check as run_check
        from lutsmith.alu.device import LearnedALU
        from lutsmith.alu.proofs import prove_alu

        alu = LearnedALU(model)
        proof = {"proof": prove_alu(alu).to_json()} if prove else {}
        found = run_check(alu, points, seed).to_json()
        shown = [{**one, "errors": list(map(Page, one["errors"]))} for one in found["operations"]]
        return {**found, "operations": shown, **proof}

    result = deliver(compute, show_check, json_output)
    proved = result["proof"]["outcome"] if prove else "proved"
    if not result["all_right"] or proved == "refuted":
        raise typer.Exit(1)
    if proved != "proved":
        raise typer.Exit(3)


def calc(
    model: ModelArgument,
    expression: Annotated[str, typer.Argument(metavar="EXPRESSION", help="Such as '22 * 33' or '0xff AND 0b1010'.")],
    json_output: JsonOption = False,
) -> None:
    """Compute one operation by the circuit, and compare it with arithmetic: exit code 1 where they differ."""

    def compute() -> dict[str, Any]:
        from lutsmith.alu.calculator import calculate
        from lutsmith.alu.device import LearnedALU

        found = calculate(LearnedALU(model), expression)
        return {**found.to_json(), "text": Page(found.text)}

    result = deliver(compute, lambda found, console: console.print(found["text"], soft_wrap=True), json_output)
    if result["result"] != result["expected"]:
        raise typer.Exit(1)


def show_check(result: dict[str, Any], console: Console) -> None:
    """Print what a check found, a line an operation."""
    console.print(
        "             exact   95 % interval        edge points     right bits  constant answer", soft_wrap=True
    )
    for one in result["operations"]:
        exact, edge = one["exact"], one["edge"]
        low, high = exact["interval"]
        console.print(
            f"{one['operation']:<9} {exact['share']:>8.2%}   {low:7.2%} - {high:7.2%}   {edge['right']:>6} of "
            f"{edge['points']:<6} {one['bits']:>10.2%}  {one['constant']:>9.2%}"
        )
    for one in result["operations"]:
        console.print(one["line"])
        for error in one["errors"]:
            console.print(error, soft_wrap=True)
    kind = "every pair of operands" if result["exhaustive"] else "fresh points"
    told = "no wrong answer" if result["all_right"] else "wrong answers"
    console.print(f"{told} on {kind} and edge points, {result['bits']} bits")
    if "proof" in result:
        proof = result["proof"]
        console.print(f"circuit: {proof['circuit']}", soft_wrap=True)
        for name, found in proof["cells"].items():
            console.print(f"{name:<9} {found}", soft_wrap=True)


def learn_alu(out: Path | None, options: dict[str, Any], json_output: bool) -> None:
    """`lutsmith train alu`. Exit code 1: an answer is wrong, or a proof refutes."""

    def compute() -> dict[str, Any]:
        from lutsmith.alu.run import train_alu

        return train_alu(out=out, **options)

    result = deliver(compute, show_alu, json_output)
    refuted = any(one["proof"]["outcome"] == "refuted" for one in result.get("learned", ()))
    if refuted or not result.get("check", {"all_right": True})["all_right"]:
        raise typer.Exit(1)


def show_alu(result: dict[str, Any], console: Console) -> None:
    """Print what was learned."""
    if result["method"] == "dense":
        _show_dense(result, console)
        return
    for one in result["learned"]:
        plural = "s" if one["examples"] != 1 else " "
        console.print(
            f"{one['operation']:<9} {one['examples']:>5} example{plural}, {one['seconds']:6.2f} s, "
            f"{one['table_bits']:>3} bits of tables"
        )
    right = "no wrong answer" if result["check"]["all_right"] else "wrong answers: lutsmith alu check shows them"
    proved = [one["proof"]["scope"] for one in result["learned"] if one["proof"]["outcome"] == "proved"]
    scopes = ", ".join(f"{proved.count(scope)} for {scope}" for scope in dict.fromkeys(proved)) or "none"
    for one in result["learned"]:
        if one["proof"]["outcome"] != "proved":
            console.print(f"{one['operation']:<9} {one['proof']['outcome']}: lutsmith alu check --prove says by what")
    page = {
        "proof": f"{len(proved)} of {len(result['learned'])} cells proved: {scopes}; {result['proof_seconds']:.1f} s",
        "check": f"{right} on fresh points and edge points of {result['bits']} bits",
        "circuit": f"{result['luts']:,} LUTs",
        "time": f"{result['train_seconds']:.1f} s, {result['examples']} examples in all",
        "model": result["model"],
    }
    facts_page(console, page)


def _show_dense(result: dict[str, Any], console: Console) -> None:
    for one in result["answers"]:
        console.print(f"{one['op']:<9} {one['exact']:8.2%} exact  {one['bits']:8.2%} bits")
    page = {
        "mean": f"{result['mean']:.2%} exact",
        "network": f"{result['network']}, {result['parameters']:,} parameters, {result['samples']:,} samples",
        "time": f"{result['seconds']:.0f} s",
        "model": result["model"],
    }
    facts_page(console, page)
