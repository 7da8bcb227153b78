from .aiger import from_aiger as from_aiger
from .aiger import to_aiger as to_aiger
from .named import FormatError as FormatError
from .named import NamedNetlist as NamedNetlist
