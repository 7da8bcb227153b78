"""Teachers: models whose opinions of the training rows a network learns besides their labels."""

from lutsmith.training.teachers.lessons import check_teacher, lessons

__all__ = ["check_teacher", "lessons"]
