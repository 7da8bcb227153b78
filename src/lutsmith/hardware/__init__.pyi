from .equivalence import Proof as Proof
from .equivalence import prove as prove
from .toolchain import Tool as Tool
from .toolchain import ToolError as ToolError
from .toolchain import ToolFailed as ToolFailed
from .toolchain import ToolMissing as ToolMissing
from .toolchain import ToolTimeout as ToolTimeout
