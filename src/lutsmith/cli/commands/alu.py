"""`lutsmith alu check` and `lutsmith alu calc`: how right a learned ALU is, and one calculation by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lutsmith.cli.arguments import JsonOption, ModelArgument
from lutsmith.cli.output import Page, deliver

if TYPE_CHECKING:
    from rich.console import Console


def check(
    model: ModelArgument,
    points: Annotated[
        int, typer.Option(metavar="N", help="Uniform points of each operation, or all there are if they are fewer.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(metavar="S", help="Of the points.")] = 0,
    json_output: JsonOption = False,
) -> None:
    """Compare each operation of a learned ALU with arithmetic, on fresh points, and on edge points apart."""

    def compute() -> dict[str, Any]:
        from lutsmith.alu.check import check as run_check
        from lutsmith.alu.device import LearnedALU

        return run_check(LearnedALU(model), points, seed).to_json()

    deliver(compute, show_check, json_output)


def calc(
    model: ModelArgument,
    expression: Annotated[str, typer.Argument(metavar="EXPRESSION", help="Such as '22 * 33' or '0xff AND 0b1010'.")],
    json_output: JsonOption = False,
) -> None:
    """Compute one operation by the circuit, and compare it with arithmetic."""

    def compute() -> dict[str, Any]:
        from lutsmith.alu.calculator import calculate
        from lutsmith.alu.device import LearnedALU

        found = calculate(LearnedALU(model), expression)
        return {**found.to_json(), "text": Page(found.text)}

    deliver(compute, lambda result, console: console.print(result["text"], soft_wrap=True), json_output)


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
