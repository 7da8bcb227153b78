"""The sections of a report: a file each, a function from what is known to blocks of a page."""

from lutsmith.reporting.sections import (
    calibration,
    classes,
    curves,
    features,
    functions,
    mistakes,
    numbers,
    operations,
    origin,
    proof,
    speed,
    structure,
)

SECTIONS = (
    curves.section,
    operations.section,
    classes.section,
    numbers.section,
    calibration.section,
    mistakes.section,
    features.section,
    functions.section,
    structure.section,
    speed.section,
    proof.section,
    origin.section,
)
"""In the order in which a report has them; each gives None where it does not apply."""
