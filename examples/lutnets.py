"""For those who know LUTNets: its reference example line by line, and then what lutsmith adds.

    python examples/lutnets.py [--large] [--data FOLDER] [--rows 1000]

LUTNets' `create_net_forward_pass_example`: a network of random wires and tables, a batch, its loss, accuracy and wall
times. Then all values of nodes, the pivotal set of one sample, other tables tried, steps of the three training
algorithms, and files. --large has 447,816 LUTs instead of 19,484. MNIST is read from FOLDER or LUTSMITH_DATA; without
it the digits that come with lutsmith.
"""

import argparse
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import numpy as np

import lutsmith
from lutsmith.data import MissingDataError, load
from lutsmith.data.images.mnist import MNIST
from lutsmith.data.images.row_splits import read_split
from lutsmith.formats import from_ltnet, to_ltnet
from lutsmith.search.losses import WrongBits
from lutsmith.search.methods import BitFlipEvolution, NaiveEvolution, PivotalDescent
from lutsmith.search.methods.evolve import BitFlipSettings, EvolutionSettings
from lutsmith.search.methods.pivotal import PivotalSettings
from lutsmith.search.mutation import fresh_tables, overridden
from lutsmith.search.networks import ARCHITECTURES, network_circuit, random_architecture
from lutsmith.search.problem import Problem

LARGE = [262144, 131072, 32768, 16384, 4096, 1024, 256, 64, 8]
STEPS = 3


@contextmanager
def timed(what):
    """Print what a block took."""
    began = perf_counter()
    yield
    print(f"{what}: {1000 * (perf_counter() - began):.1f} ms")


def batch(folder, rows):
    """LUTNets' `Train(rows)`: images uint8 and labels, as many as there are rows."""
    try:
        return read_split(MNIST, folder, "train", rows)
    except MissingDataError:
        digits = load("digits")
        return digits.x_train[:rows].astype(np.uint8), digits.y_train[:rows]


def main():
    """Build, load, forward, loss, accuracy, times; look into the network, change it, keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", type=int, default=1000)
    arguments = parser.parse_args()
    images, labels = batch(arguments.data, arguments.rows)

    # The network: eight bit planes of each pixel in, LUTs of six inputs, eight bits out, a code word for each class.
    sizes = LARGE if arguments.large else ARCHITECTURES["random"].layer_sizes
    with timed("network made"):
        architecture = random_architecture(sizes, input_shape=images.shape[1:], bits=8)
        circuit = network_circuit(architecture, code="lutnets-8", seed=0)  # a bank of tables: bank="diverse-16"
    netlist = circuit.netlist
    print(f"{netlist.num_nodes:,} LUTs in {circuit.depth} layers, {netlist.num_inputs:,} input bits")

    # A forward pass: images to labels, by the class whose code word is nearest.
    circuit.predict(images)  # the first time finds an order of evaluation, and compiles what never ran
    with timed(f"forward pass of {len(images)} images"):
        predicted = circuit.predict(images)
    print(f"accuracy: {np.mean(predicted == labels):.4f}")

    # The same in stages: bits packed once, 64 images a word, and then the values of all nodes at hand.
    samples = circuit.stages.pack(images.reshape(len(images), -1))
    with timed("forward pass that keeps all values"):
        evaluation = circuit.stages.evaluate(samples)
    loss = WrongBits(circuit.head, labels, netlist.outputs.size)
    print(f"loss: {loss.total(evaluation):.0f} wrong bits of {8 * len(images)}")
    last = netlist.num_signals - 1  # signals: the input bits, then the nodes
    print(f"node {netlist.num_nodes - 1} is 1 on {evaluation.ones([last])[0]} images, on image 0 "
          f"{int(evaluation.bits([last])[0, 0])}")  # fmt: skip

    # The pivotal set of one image: the nodes that invert an output bit there if they are inverted. Exact where paths
    # meet again, and where a LUT reads the same signal twice.
    nodes = np.arange(netlist.num_nodes)
    alone = Problem(netlist, circuit.stages.pack(images[:1].reshape(1, -1)), labels[:1], circuit.head).batch()
    with timed("pivotal sets of image 0"):
        pivotal = alone.pivotal(nodes)[:, :, 0] == 1  # nodes x output bits
    print(f"pivotal for each output bit: {pivotal.sum(axis=0).tolist()} nodes")

    # Other tables for some nodes: what the outputs would be. Only what depends on them is run, and nothing stays.
    rng = np.random.default_rng(0)
    some = rng.choice(nodes, 20, replace=False)
    with timed("20 tables tried"):
        outputs = overridden(evaluation, some, fresh_tables(rng, some, netlist.ranks))
    print(f"output bits that differ: {np.count_nonzero(outputs != evaluation.outputs())}")

    # Steps of LUTNets' algorithms: naive_evolutionary, naive_bitflip, piv_node_seq_descend.
    # A step of the large network changes, or chooses among, no more LUTs than one of the small.
    share = min(1.0, 20_000 / netlist.num_nodes)
    methods = (
        NaiveEvolution(EvolutionSettings(ratio=0.001 * share, candidates=200)),
        BitFlipEvolution(BitFlipSettings(ratio=0.02 * share, candidates=200)),
        PivotalDescent(PivotalSettings(selector="score", together=1, accept="always", share=share)),
    )
    for method in methods:
        problem = Problem(netlist, samples, labels, circuit.head)
        before = problem.batch().value
        with timed(f"{STEPS} steps of {method.name}"):
            for problem.step in range(STEPS):
                method.step(problem, np.random.default_rng([0, problem.step]))
        print(f"{method.name}: {before:.0f} -> {problem.batch().value:.0f} wrong bits")

    # Files: lutsmith's own, and LUTNets'.
    with tempfile.TemporaryDirectory() as folder:
        own, theirs = Path(folder) / "net.lut", Path(folder) / "net.ltnet"
        lutsmith.save(circuit, own)
        theirs.write_bytes(to_ltnet(circuit))
        read = lutsmith.load(own), from_ltnet(theirs.read_bytes(), input_shape=images.shape[1:])
        for path, again in zip((own, theirs), read, strict=True):
            assert np.array_equal(again.predict(images), predicted)
            print(f"{path.name}: {path.stat().st_size:,} bytes, predicts the same")


if __name__ == "__main__":
    main()
