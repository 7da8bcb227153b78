from .aiger import from_aiger as from_aiger
from .aiger import to_aiger as to_aiger
from .blif import from_blif as from_blif
from .blif import to_blif as to_blif
from .named import FormatError as FormatError
from .named import FormatWarning as FormatWarning
from .named import NamedNetlist as NamedNetlist
