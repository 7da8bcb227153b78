from .errors import ExportError as ExportError
from .c import to_c as to_c
