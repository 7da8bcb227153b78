"""The LUTs of a header: of one sample from tables, of many from tables or as expressions, and loops over instances."""

from __future__ import annotations

from dataclasses import dataclass

from lutsmith.export.programs.c.constants import Constants, scoped
from lutsmith.export.programs.order import InstanceList, ProgramOrder
from lutsmith.export.programs.packing import PackedLuts
from lutsmith.export.programs.straight_line import Language, functions

_C = Language("static void {}(lutsmith_word *s)", "const lutsmith_word", "(lutsmith_word)0", "~(lutsmith_word)0")

_SCOPED = "fanin tables table_of ranks signal table index read luts luts_words instances instances_words wires ends"
"""Names that each part has of its own."""

READ_FANIN = """\
static uint32_t lutsmith_read(uint32_t place)
{
    LUTSMITH_READ(lutsmith_signal, signal, lutsmith_fanin + place);
    return signal;
}
"""

LUTS = """\
static void lutsmith_luts(uint8_t *s@RANGE)
{
    uint32_t node@BEGIN;
    for (node = @START; node < @STOP; node++) {
        @READ_NODE
        unsigned address = 0, j;
        for (j = 0; j < rank; j++, read++) {
            const uint32_t signal = lutsmith_read(read);
            address |= (unsigned)LUTSMITH_GET(s, signal) << j;
        }
        LUTSMITH_SET(s, @FIRST + node, (table >> address) & 1u);
    }
}
"""

LUTS_WORDS = """\
/* The first two inputs of a LUT have sixteen functions; four bits of the table name one of them for each value of the
   other inputs, which then choose among these. */
static void lutsmith_luts_words(lutsmith_word *s@RANGE)
{
    uint32_t node@BEGIN;
    for (node = @START; node < @STOP; node++) {
        @READ_NODE
        const lutsmith_word a = rank > 0 ? s[lutsmith_read(read)] : 0, b = rank > 1 ? s[lutsmith_read(read + 1)] : 0;
        const lutsmith_word of[16] = {0, ~(a | b), a & ~b, ~b, ~a & b, ~a, a ^ b, ~(a & b), a & b, ~(a ^ b), a, a | ~b,
                                      b, ~a | b, a | b, ~(lutsmith_word)0};
        lutsmith_word chosen[16];
        unsigned size = rank > 2 ? (1u << rank) / 4 : 1, slot, i;
        for (i = 0; i < size; i++)
            chosen[i] = of[(table >> (4 * i)) & 15u];
        for (slot = 2; slot < rank; slot++) {
            const lutsmith_word x = s[lutsmith_read(read + slot)];
            size /= 2;
            for (i = 0; i < size; i++)
                chosen[i] = (x & chosen[2 * i + 1]) | (~x & chosen[2 * i]);
        }
        s[@FIRST + node] = chosen[0];
        read += rank;
    }
}
"""

INSTANCES = """\
/* Instances of the part @PART: what one reads, its LUTs, what it gives. */
static void lutsmith_instances(uint8_t *s, uint32_t start, uint32_t stop)
{
    LUTSMITH_STORAGE uint8_t own[@OWN] = {0};
    uint32_t instance, i;
    for (instance = start; instance < stop; instance++) {
        for (i = 0; i < @WIRES; i++) {
            @READ_WIRE
            LUTSMITH_SET(own, i, LUTSMITH_GET(s, wire));
        }
        lutsmith_luts(own);
        for (i = 0; i < @ENDS; i++) {
            @READ_END
            LUTSMITH_SET(s, @FIRST + instance * (uint32_t)@ENDS + i, LUTSMITH_GET(own, end));
        }
    }
}
"""

INSTANCES_WORDS = """\
static void lutsmith_instances_words(lutsmith_word *s, uint32_t start, uint32_t stop)
{
    LUTSMITH_STORAGE lutsmith_word own[@OWN];
    uint32_t instance, i;
    for (instance = start; instance < stop; instance++) {
        for (i = 0; i < @WIRES; i++) {
            @READ_WIRE
            own[i] = s[wire];
        }
@LUTS
        for (i = 0; i < @ENDS; i++) {
            @READ_END
            s[@FIRST + instance * (uint32_t)@ENDS + i] = own[end];
        }
    }
}
"""


@dataclass
class LutCode:
    """Functions that give LUTs their values, and the statements that call them in order.

    Attributes:
        one, many: functions, for one sample and for words of samples.
        one_calls, many_calls: statements.
        own_bytes, own_words: of the signals of one instance, at most.
    """

    one: list[str]
    many: list[str]
    one_calls: list[str]
    many_calls: list[str]
    own_bytes: int
    own_words: int


def luts(order: ProgramOrder, packed: PackedLuts, num_inputs: int, constants: Constants, *, compact: bool) -> LutCode:
    """Return the code of all LUTs; `packed` are those that are in no instance."""
    made = LutCode([], [], [], [], _own_bytes(order, compact), max((_own(part) for part in order.instances), default=0))
    pieces = [segment for segment in order.segments if segment.part < 0]
    if pieces:
        sizes = {"@COUNT": str(len(order.luts)), "@FIRST": str(order.luts.first), "@RANK": "LUTSMITH_RANK"}
        if not order.instances:
            sizes["@COUNT"] = "LUTSMITH_LUTS"
        if order.luts.first == num_inputs:
            sizes["@FIRST"] = "LUTSMITH_INPUTS"
        tables, words = _from_tables(packed, constants, sizes, ranged=len(pieces) > 1)
        if packed.rank is not None:
            constants.sizes["RANK"] = packed.rank
        made.one += [READ_FANIN, tables]
        if compact:
            made.many.append(words)
    for part in order.instances:
        one, many = _part(part, constants, compact=compact)
        made.one.extend(one)
        made.many.extend(many)
    straight = 0
    for segment in order.segments:
        if segment.part >= 0:
            name = order.instances[segment.part].name
            made.one_calls.append(f"lutsmith_instances_of_{name}(s, {segment.start}, {segment.stop});")
            made.many_calls.append(f"lutsmith_instances_words_of_{name}(s, {segment.start}, {segment.stop});")
            continue
        read = order.luts.fanin_ptr[segment.start]
        arguments = f", {segment.start}, {segment.stop}, {read}" if len(pieces) > 1 else ""
        made.one_calls.append(f"lutsmith_luts(s{arguments});")
        if compact:
            made.many_calls.append(f"lutsmith_luts_words(s{arguments});")
            continue
        functions_ = functions(order.luts.piece(segment.start, segment.stop), _C, "lutsmith_luts", straight)
        made.many.extend(functions_)
        made.many_calls += [f"lutsmith_luts_{straight + number}(s);" for number in range(len(functions_))]
        straight += len(functions_)
    return made


def _own(part: InstanceList) -> int:
    return part.luts.first + len(part.luts)


def _own_bytes(order: ProgramOrder, compact: bool) -> int:
    most = max((_own(part) for part in order.instances), default=0)
    return -(-most // 8) if compact else most


def _part(part: InstanceList, constants: Constants, *, compact: bool) -> tuple[list[str], list[str]]:
    """Return the functions of the instances of a part, for one sample and for words of samples."""
    own = Constants()
    packed = PackedLuts.of(part.luts, part.ends)
    sizes = {"@COUNT": str(len(part.luts)), "@FIRST": str(part.luts.first), "@RANK": str(packed.rank)}
    tables, words = _from_tables(packed, own, sizes, ranged=False)
    wires, ends = part.wires.shape[1], part.ends.size
    index = f"instance * (uint32_t){wires} + i"
    size = _own(part)
    fills = {
        "@PART": part.name,
        "@READ_WIRE": own.read("wire", "wires", part.wires.reshape(-1), f"({index})") if wires else "",
        "@READ_END": own.read("end", "ends", part.ends, "i"),
        "@WIRES": str(wires),
        "@ENDS": str(ends),
        "@FIRST": str(part.first),
    }
    chunks = [] if compact else functions(part.luts, _C, f"lutsmith_code_of_{part.name}")
    calls = [f"        lutsmith_code_of_{part.name}_{number}(own);" for number in range(len(chunks))]
    one = INSTANCES.replace("@OWN", str(-(-size // 8) if compact else size))
    many = INSTANCES_WORDS.replace("@OWN", str(size))
    many = many.replace("@LUTS", "\n".join(calls or ["        lutsmith_luts_words(own);"]))
    for key, text in fills.items():
        one, many = one.replace(key, text), many.replace(key, text)
    constants.definitions += [scoped(text, _SCOPED, part.name) for text in own.definitions]
    constants.num_bytes += own.num_bytes
    made = ([READ_FANIN, tables, one], [*([words] if compact else chunks), many])
    return tuple([scoped(text, _SCOPED, part.name) for text in texts] for texts in made)  # type: ignore[return-value]


def _from_tables(packed: PackedLuts, constants: Constants, sizes: dict[str, str], *, ranged: bool) -> tuple[str, str]:
    """Return the functions that work LUTs off by their tables, for one sample and for words of samples."""
    fills = {"@READ_NODE": _read_node(packed, constants), "@BEGIN": ", read = 0", "@START": "0", "@STOP": "@COUNT"}
    if ranged:
        fills |= {"@BEGIN": "", "@START": "start", "@STOP": "stop"}
    fills["@RANGE"] = ", uint32_t start, uint32_t stop, uint32_t read" if ranged else ""
    texts = []
    for text in (LUTS, LUTS_WORDS):
        for key, value in {**fills, **sizes}.items():
            text = text.replace(key, value)
        texts.append(text)
    return texts[0], texts[1]


def _read_node(packed: PackedLuts, constants: Constants) -> str:
    """Return the statements that give a LUT's `rank` and `table`."""
    constants.add("fanin", packed.fanin, "signal")
    constants.add("tables", packed.tables, "table")
    if packed.ranks is None:
        lines = ["const unsigned rank = @RANK;"]
    else:
        constants.add("ranks", packed.ranks)
        lines = ["LUTSMITH_READ(uint8_t, rank, lutsmith_ranks + node);"]
    place = "node"
    if packed.index is not None:
        constants.add("table_of", packed.index, "index")
        lines.append("LUTSMITH_READ(lutsmith_index, place, lutsmith_table_of + node);")
        place = "place"
    lines.append(f"LUTSMITH_READ(lutsmith_table, table, lutsmith_tables + {place});")
    return "\n        ".join(lines)
