"""Networks of LUTs to search on: architectures as data, banks of tables, and circuits with drawn tables."""

from lutsmith.circuit.table_bank import TableBank
from lutsmith.search.networks.architectures import ARCHITECTURES, NetworkArchitecture, random_architecture
from lutsmith.search.networks.banks import BANKS, bank_of, diverse_16, diverse_256, random_bank
from lutsmith.search.networks.builder import network_circuit, network_netlist
from lutsmith.search.networks.layers import IndexLayer, RandomLayer, SpanGroup, SpanLayer

__all__ = [
    "ARCHITECTURES",
    "BANKS",
    "IndexLayer",
    "NetworkArchitecture",
    "RandomLayer",
    "SpanGroup",
    "SpanLayer",
    "TableBank",
    "bank_of",
    "diverse_16",
    "diverse_256",
    "network_circuit",
    "network_netlist",
    "random_architecture",
    "random_bank",
]
