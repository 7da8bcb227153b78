"""The ways to search that come with lutsmith, a file each. Importing this makes them known by name."""

from lutsmith.search.methods.anneal import Annealing
from lutsmith.search.methods.coordinate import CoordinateDescent
from lutsmith.search.methods.evolve import BitFlipEvolution, NaiveEvolution
from lutsmith.search.methods.greedy import GreedyLayers
from lutsmith.search.methods.memorize import Memorisation
from lutsmith.search.methods.pivotal import PivotalDescent
from lutsmith.search.methods.population import Population
from lutsmith.search.methods.wires import WireMoves

__all__ = [
    "Annealing",
    "BitFlipEvolution",
    "CoordinateDescent",
    "GreedyLayers",
    "Memorisation",
    "NaiveEvolution",
    "PivotalDescent",
    "Population",
    "WireMoves",
]
