from .named import FormatError as FormatError
from .named import NamedNetlist as NamedNetlist
