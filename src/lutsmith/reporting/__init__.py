"""Views of a trained model: reports and comparisons as pages, and plots. No torch."""

from lutsmith.reporting.card import card
from lutsmith.reporting.comparison import Comparison, compare
from lutsmith.reporting.page import HtmlPage
from lutsmith.reporting.plots.circuits import plot_circuit
from lutsmith.reporting.plots.curves import plot_curves
from lutsmith.reporting.plots.wiring import plot_wiring
from lutsmith.reporting.report import report

__all__ = ["Comparison", "HtmlPage", "card", "compare", "plot_circuit", "plot_curves", "plot_wiring", "report"]
