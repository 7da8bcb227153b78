"""A page that runs a circuit."""

from lutsmith.export.page.page import to_page

__all__ = ["to_page"]
