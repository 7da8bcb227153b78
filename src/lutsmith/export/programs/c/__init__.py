"""Circuits as one C99 header, which is C++ too."""

from lutsmith.export.programs.c.header import to_c, words_of_c

__all__ = ["to_c", "words_of_c"]
