"""Teachers: whose opinions of the training rows a network learns beside their labels."""

from lutsmith.training.teachers.lessons import lessons

__all__ = ["lessons"]
