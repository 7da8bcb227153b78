"""What files from outside lutsmith may contain, before any tool reads them, and what their comments say."""

from lutsmith.hardware.verification.sources.aiger import read_aiger_comment
from lutsmith.hardware.verification.sources.blif import read_blif
from lutsmith.hardware.verification.sources.comments import Comment, compare_comments
from lutsmith.hardware.verification.sources.text import Refused, Source
from lutsmith.hardware.verification.sources.verilog.core import read_verilog_source
from lutsmith.hardware.verification.sources.vhdl.core import read_vhdl_source, vhdl_entities

__all__ = [
    "Comment",
    "Refused",
    "Source",
    "compare_comments",
    "read_aiger_comment",
    "read_blif",
    "read_verilog_source",
    "read_vhdl_source",
    "vhdl_entities",
]
