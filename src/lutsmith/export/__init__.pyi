from .errors import ExportError as ExportError
