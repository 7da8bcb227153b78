"""What fabrics run on: arrays of samples, of one cell or many, clauses of a SAT solver, signals of a netlist."""

from lutsmith.cells.evaluators.clauses import Clauses
from lutsmith.cells.evaluators.hard import Hard
from lutsmith.cells.evaluators.many import Many
from lutsmith.cells.evaluators.netlists import Netlists

__all__ = ["Clauses", "Hard", "Many", "Netlists"]
