"""The VHDL that exports write, line for line as SystemVerilog: where there is no ghdl, another simulator runs it.

It is not a reader of VHDL: a line of another form than the exports' is an error. What a line says is kept as it stands,
functions, conditions and port maps included; only the lists that processes are sensitive to are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Rule = tuple[str, "str | Callable[[re.Match[str]], str]"]


def _expression(text: str) -> str:
    text = re.sub(r"'([01])'", r"1'b\1", text)
    text = re.sub(r"to_stdulogic\((\w+)\((\w+)\)\)", r"\1[\2]", text)
    text = re.sub(r"\b(?!mux\b|not\b|and\b|or\b|xor\b)([a-z]\w*)\((\d+)\)", r"\1[\2]", text)
    text = re.sub(r"\bmux\(", "`mux(", text)
    for word, sign in (("not ", "~"), (" and ", " & "), (" or ", " | "), (" xor ", " ^ ")):
        text = text.replace(word, sign)
    return text


def _range(kind: str) -> str:
    found = re.fullmatch(r"(?:std_logic|std_logic_vector\((\d+) downto 0\))", kind)
    assert found, kind
    return f"[{found[1]}:0] " if found[1] else ""


def _ports(text: str) -> str:
    """One or more declarations of ports, with semicolons between them."""
    made = []
    for group in re.split(r";\s*", text.strip().rstrip(";")):
        names, direction, kind = re.fullmatch(r"(.+?) : (in|out) (.+)", group).groups()
        made += [f"{direction}put logic {_range(kind)}{name}" for name in names.split(", ")]
    return ", ".join(made)


def _signals(found: re.Match[str]) -> str:
    start = f" = {_expression(found[3])}" if found[3] else ""
    return f"logic {_range(found[2])}{', '.join(name + start for name in found[1].split(', '))};"


def _ends(text: str) -> str:
    return ", ".join(
        f".{port}({_expression(wire)})" for port, wire in (pair.split(" => ") for pair in text.split(", "))
    )


def _init(text: str) -> str:
    digits = text.strip('X"')
    return f"{4 * len(digits)}'h{digits}" if text.startswith("X") else f"{len(digits)}'b{digits}"


def _lut(found: re.Match[str]) -> str:
    return f"{found[2]} #(.INIT({_init(found[3])})) {found[1]} ({_ends(found[4])});"


def _function(found: re.Match[str]) -> str:
    """A choice between arguments becomes a macro: a call of a function for each LUT would be long to compile."""
    name, arguments = re.fullmatch(r"(\w+)\((.*) : std_logic\) return std_logic", found[1]).groups()
    return f"`define {name}({arguments}) ((({found[2]}) == 1'b{found[3]}) ? ({found[4]}) : ({found[5]}))"


RULES: list[Rule] = [
    (r"library \w+;|use [\w.]+;|begin|end entity;|port \(|\);|constant .*", ""),
    (r"entity (\w+) is", ""),
    (r"signal (.+?) : (std_logic(?:_vector\(\d+ downto 0\))?)(?: := (.+))?;", _signals),
    (r"function (.*) is begin if (\w) = '([01])' then return (\w); end if; return (\w); end function;", _function),
    (r"variable (\w+) : bit_vector\((\d+) downto 0\);", r"logic [\2:0] \1;"),
    (r"if (\w+) = '([01])' then", r"if (\1 == 1'b\2) begin"),
    (r"else", "end else begin"),
    (r"end if;|end process;", "end"),
    (r"(\w+) := (\w+)\((\d+) downto (\d+)\);", r"\1 = \2[\3:\4];"),
    (
        r"(\w+) : entity work\.(\w+) port map \((.*)\);",
        lambda found: f"{found[2]} {found[1]} ({_ends(found[3])});",
    ),
    (r"(\w+) : (LUT\d) generic map \(INIT => (.*?)\) port map \((.*)\);", _lut),
    (r"end architecture;", "endmodule"),
]


def as_verilog(text: str) -> str:
    """Return modules of the same names, ports and statements as the entities of VHDL text."""
    text = re.sub(r"^package .*?^end package;", "", text, flags=re.M | re.S)
    text = re.sub(r"^ *function .*?end function;", lambda found: " ".join(found[0].split()), text, flags=re.M | re.S)
    lines = [line.partition("--")[0].strip() for line in text.splitlines()]
    made, ports, generic, inside = [], "", "", ""
    for number, line in enumerate(lines):
        if not line:
            continue
        if found := re.fullmatch(r"architecture \w+ of (\w+) is", line):
            made.append(f"module {found[1]} {generic}({_ports(ports) if ports else ''});")
            ports = generic = ""
        elif found := re.fullmatch(r"generic \(INIT : bit_vector\((\d+) downto 0\) := .*\);", line):
            generic = f"#(parameter [{found[1]}:0] INIT = 0) "
        elif found := re.fullmatch(r"port \((.+)\);", line) or re.fullmatch(r"(\w+ : (?:in|out) .*)", line):
            ports += found[1].rstrip(";") + ";"
        elif line.startswith("process ("):
            body = lines[lines.index("begin", number) + 1]
            edge = re.fullmatch(r"if (rising|falling)_edge\((\w+)\) then", body)
            inside = "clocked" if edge else "comb"
            made.append(f"always @({'pos' if edge[1] == 'rising' else 'neg'}edge {edge[2]})" if edge else "always_comb")
            made.append("begin")
        elif re.fullmatch(r"if (rising|falling)_edge\(\w+\) then", line):
            assert inside == "clocked"
            made.append("begin")
        elif found := re.fullmatch(r"(\S+) <= (.*);", line):
            target, value = _expression(found[1]), _expression(found[2])
            form = {"clocked": "{} <= {};", "comb": "{} = {};", "": "assign {} = {};"}[inside]
            made.append(form.format(target, value))
        else:
            made.append(_by_rule(line))
            if line == "end process;":
                inside = ""
    return "\n".join([*(line for line in made if line), ""])


def _by_rule(line: str) -> str:
    for pattern, form in RULES:
        if found := re.fullmatch(pattern, line):
            return form(found) if callable(form) else found.expand(form)
    raise AssertionError(f"no line of an export: {line!r}")
