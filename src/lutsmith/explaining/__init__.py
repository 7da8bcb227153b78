"""What a circuit does, in words and counts: rules, an explained row, which features matter. No torch."""

from lutsmith.circuit.features.monotone import Failure, MonotoneCheck, Violation, check_monotone
from lutsmith.explaining.importances import Importances, importances
from lutsmith.explaining.row import Explanation, FeatureTurns, Turn, explain
from lutsmith.explaining.rules import Rule, Rules, rules

__all__ = [
    "Explanation",
    "Failure",
    "FeatureTurns",
    "Importances",
    "MonotoneCheck",
    "Rule",
    "Rules",
    "Turn",
    "Violation",
    "check_monotone",
    "explain",
    "importances",
    "rules",
]
