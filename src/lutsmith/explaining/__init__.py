"""What a circuit does, in words and counts: rules, a row explained, which features matter. No torch."""

from lutsmith.circuit.features.monotone import Counterexample, Failure, MonotoneCheck, check_monotone
from lutsmith.explaining.importances import Importances, importances
from lutsmith.explaining.row import Explanation, Moves, Turn, explain
from lutsmith.explaining.rules import Rule, Rules, rules

__all__ = [
    "Counterexample",
    "Explanation",
    "Failure",
    "Importances",
    "MonotoneCheck",
    "Moves",
    "Rule",
    "Rules",
    "Turn",
    "check_monotone",
    "explain",
    "importances",
    "rules",
]
