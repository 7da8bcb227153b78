"""Which exceptions are the user's to mend, and the one line that each becomes, in the words of the command line.

The library speaks of Python arguments, such as `test_share=0.5` or `resume=True`. A command's parameters have the names
of the library's arguments, and their options are what its messages show: `--test-share 0.5`, `--resume`.
"""

from __future__ import annotations

import ast
import re
import shlex
import sys
import warnings
from contextvars import ContextVar
from typing import Any, cast

import typer
from typer.core import TyperCommand

from lutsmith.ground.printable import printable

UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""The class of wrong arguments, in the click that typer imports or carries within itself."""

_LESS = "use less data or a smaller network"
_EXTRAS = {
    "torch": "train",
    "lightning_fabric": "train",
    "lightning": "train",
    "sklearn": "train",
    "onnx": "hardware",
    "onnxruntime": "hardware",
    "matplotlib": "plot",
    "narwhals": "tables",
    "pyarrow": "tables",
    "pysat": "sat",
    "optuna": "sweep",
    "ray": "distributed",
    "starlette": "serve",
    "uvicorn": "serve",
}
"""Which extra brings a module."""


_TEXT = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_ITEM = rf"(?:True|False|None|-?\d[\d.]*(?:e[+-]?\d+)?|{_TEXT})"
_VALUE = rf"(?:{_ITEM}|[(\[](?:{_ITEM}|[,\s])*[)\]]|[A-Z]{{2,}}\b)"
_ARGUMENT = rf"(?<![\w./=\\-])([a-z][a-z_]*)=({_VALUE})"
"""An argument in Python: a name and a literal, or a placeholder such as FILE."""

_ARGUMENTS = re.compile(rf"{_ARGUMENT}(?:, {_ARGUMENT})*")
_IS = re.compile(rf"(?<![\w./=\\-])([a-z][a-z_]*)(?= is {_ITEM})")
"""What begins `rank is 9; expected ...`."""

_parameters: ContextVar[dict[str, Any]] = ContextVar("parameters")
"""The parameters of the command that runs, by name."""


class Mistake(Exception):  # noqa: N818
    """What the user can mend, in one line."""


class Command(TyperCommand):
    """A command whose mistakes, warnings and interrupts speak of its own options."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            Mistake: what the user can mend.
            typer.Exit: Ctrl-C, with exit code 130, or SIGTERM in training, with 143.
        """
        given = _parameters.set({str(parameter.name): parameter for parameter in self.params})
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            sys.stderr.write(f"lutsmith: {printable(one_line(interrupt)) or 'interrupted'}\n")
            raise typer.Exit(getattr(interrupt, "exit_code", 130)) from interrupt
        except (UsageError, typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            line = describe(error)
            if line is None:
                raise
            raise Mistake(line) from error
        finally:
            _parameters.reset(given)


def one_line(message: object) -> str:
    """Return a message of the library as one line that speaks of the options of the command that runs."""
    return " ".join(in_options(str(message)).split())


def in_options(text: str) -> str:
    """Return a text of the library with the arguments of the command that runs as its options; outside of one as it is.

    What a command does not take is left as it is.
    """
    known = _parameters.get({})

    def option(match: re.Match[str]) -> str:
        name, value = match.groups()
        return _option(known[name], value) if name in known else match[0]

    def several(match: re.Match[str]) -> str:
        found = [(one.group(1) in known, option(one)) for one in re.finditer(_ARGUMENT, match[0])]
        return (" " if all(is_known for is_known, _ in found) else ", ").join(shown for _, shown in found)

    text = _ARGUMENTS.sub(several, text)
    return _IS.sub(lambda match: _name(known[match[1]]) if match[1] in known else match[1], text)


def _name(parameter: Any) -> str:
    """Return what a parameter is called on the command line: its longest option, or the name of an argument."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return str(max(parameter.opts, key=len))


def _option(parameter: Any, written: str) -> str:
    name = _name(parameter)
    if written.isupper() and written.isalpha():  # a placeholder
        return f"{name} {written}"
    value = ast.literal_eval(written)
    if isinstance(value, bool):
        off = parameter.secondary_opts
        return name if value else off[0] if off else f"no {name}"
    if value is None:
        return f"no {name}"
    if isinstance(value, (tuple, list)) and parameter.multiple:
        return " ".join(f"{name} {shlex.quote(str(item))}" for item in value)
    if isinstance(value, (tuple, list)):
        value = ",".join(map(str, value))
    return f"{name} {shlex.quote(str(value))}"


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001 - the signature of warnings.showwarning
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: object = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    """Show a warning as one line, without the place in the code that raised it."""
    sys.stderr.write(f"warning: {printable(one_line(message))}\n")


def describe(error: Exception) -> str | None:
    """Return one line about an error that the user can mend, or None where the error is a fault of the program.

    Bad input is a ValueError in all rooms; files and the machine raise OSError and MemoryError; exceptions that
    lutsmith defines are written for users; and a package of an extra may be missing.
    """
    if isinstance(error, ModuleNotFoundError):
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            return None
        return f"this command needs {error.name}, which is not installed: pip install 'lutsmith[{extra}]'"
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.strerror}: {error.filename}"
    if isinstance(error, MemoryError):
        return f"out of memory{f' ({error})' if str(error) else ''}; {_LESS}"
    if isinstance(error, RuntimeError) and _is_torch_out_of_memory(error):
        return f"out of memory; {_LESS}"
    if not isinstance(error, (ValueError, OSError)) and not type(error).__module__.startswith("lutsmith."):
        return None
    return one_line(error) or type(error).__name__


def _is_torch_out_of_memory(error: RuntimeError) -> bool:
    """Torch has a class of its own for a full GPU, and none for a machine that is out of memory."""
    gpu = type(error).__name__ == "OutOfMemoryError" and type(error).__module__.partition(".")[0] == "torch"
    return gpu or "can't allocate memory" in str(error)
