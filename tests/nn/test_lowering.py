import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lutsmith.nn import (
    Architecture,
    DistributiveThermometer,
    GroupSum,
    LearnableReduction,
    LogicDense,
    Thermometer,
    build,
    to_circuit,
)
from lutsmith.nn.connections import list_connections
from lutsmith.nn.parametrizations import list_parametrizations, setup_parametrization


def layer(name, kind, rank, in_dim, out_dim, generator):
    extra = {"num_candidates": 3} if kind == "learnable" else {}
    return LogicDense(
        in_dim,
        out_dim,
        rank,
        parametrization=name,
        connections=kind,
        weight_init="random",
        generator=generator,
        **extra,
    )


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list_parametrizations()),
    st.sampled_from(list_connections()),
    st.integers(1, 8),
    st.integers(0, 99),
    st.data(),
)
def test_the_circuit_is_the_model(name, kind, rank, seed, data):
    rank = rank if rank in setup_parametrization(name, 2).ranks else 2
    generator = torch.Generator().manual_seed(seed)
    shape = data.draw(st.sampled_from([(12,), (3, 2, 2), (1, 4, 3)]))
    samples = torch.randint(0, 9, (30, *shape), generator=generator).to(
        data.draw(st.sampled_from([torch.uint8, torch.float32]))
    )
    encoder = DistributiveThermometer(2, unique=data.draw(st.booleans())).fit(samples)
    model = nn.Sequential(
        encoder,
        nn.Flatten(),
        layer(name, kind, rank, 24, 20, generator),
        layer(name, kind, rank, 20, 12, generator),
        GroupSum(3),
    ).eval()
    circuit = to_circuit(model, shape)
    n = data.draw(st.sampled_from([1, 2, 65, 200]))
    x = torch.randint(0, 9, (n, *shape), generator=generator).to(samples.dtype)
    assert np.array_equal(circuit.decision_function(x.numpy()), model(x).numpy())
    assert np.array_equal(circuit.predict(x.numpy()), model(x).argmax(-1).numpy())
    assert np.array_equal(circuit.outputs(x.numpy()), model[:-1](x).bool().numpy())
    assert np.array_equal(circuit.predict(x.reshape(n, -1).numpy()), circuit.predict(x.numpy()))


def test_a_model_without_encoder_or_head_reads_and_gives_bits():
    model = nn.Sequential(nn.Identity(), LogicDense(8, 5, 3), nn.Dropout(0.5)).eval()
    x = torch.rand(40, 8)
    circuit = to_circuit(model, (8,))
    assert np.array_equal(circuit.outputs(x.numpy()), model(x).bool().numpy())


def test_layers_may_keep_leading_dimensions():
    generator = torch.Generator().manual_seed(0)
    inner = nn.Sequential(layer("light", "fixed", 3, 6, 4, generator), nn.Flatten(), nn.Unflatten(1, (2, 10)))
    model = nn.Sequential(Thermometer(1).fit(torch.rand(20, 5, 6)), inner, nn.Flatten(), GroupSum(4)).eval()
    x = torch.rand(33, 5, 6)
    assert np.array_equal(to_circuit(model, (5, 6)).decision_function(x.numpy()), model(x).numpy())


def test_compiled_and_wrapped_models_lower_as_what_they_wrap():
    model = nn.Sequential(LogicDense(8, 6, 3), GroupSum(2)).eval()
    compiled = torch.compile(model, backend="aot_eager")
    x = torch.rand(10, 8).numpy()
    assert np.array_equal(to_circuit(compiled, (8,)).predict(x), to_circuit(model, (8,)).predict(x))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Sequential(LogicDense(8, 6, 3), nn.ReLU()), r"model\.1 \(ReLU\).*no lower"),
        (nn.Sequential(nn.Sequential(nn.Linear(8, 6))), r"model\.0\.0 \(Linear\)"),
        (nn.Sequential(Thermometer(2)), r"model\.0 \(Thermometer\).*not fitted"),
        (nn.Sequential(LogicDense(9, 6, 3)), r"in_dim=9.*\(8,\)"),
        (nn.Sequential(LogicDense(8, 6, 3), GroupSum(4)), "cannot share"),
        (nn.Sequential(LogicDense(8, 6, 3), GroupSum(2), LogicDense(8, 6, 3)), r"model\.2.*after the head"),
        (nn.Sequential(LogicDense(8, 6, 3), Thermometer(2).fit(torch.rand(4, 6))), "bits already"),
        (nn.Sequential(Thermometer(2).fit(torch.rand(4, 6))), r"shape \(6,\), not \(8,\)"),
    ],
)
def test_what_cannot_be_lowered_is_named_with_the_reason(model, words):
    with pytest.raises(ValueError, match=words):
        to_circuit(model, (8,))


@pytest.mark.parametrize("shape", [(), (0,), (3, -1)])
def test_an_impossible_input_shape_is_refused(shape):
    with pytest.raises(ValueError, match="input_shape"):
        to_circuit(nn.Identity(), shape)


def test_wasted_thresholds_are_never_wired():
    x = np.zeros((100, 1, 6, 6), np.uint8)
    x[:, :, 2:4] = np.random.default_rng(0).integers(0, 256, (100, 1, 2, 6))
    model = build(Architecture(luts=(40, 20), rank=3, bits=4, num_candidates=4), x, 2)
    assert model[0].num_wasted > 0
    assert model[0].usable.flatten()[model[2].connections.candidates.long()].all()
    assert np.isfinite(to_circuit(model, (1, 6, 6)).encoder.threshold).all()


@pytest.mark.parametrize("connections", ["fixed", "learnable"])
def test_a_built_network_is_the_same_for_the_same_seed(connections):
    x = np.random.default_rng(0).random((50, 9), np.float32)
    architecture = Architecture(luts=(30, 12), rank=4, connections=connections, num_candidates=(99, 4))
    first, again, other = (build(architecture, x, 3, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_an_architecture_survives_json():
    architecture = Architecture(luts=(30, 12), num_candidates=(4, 5), tau=3.0)
    assert Architecture.from_json(architecture.to_json()) == architecture


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"luts": ()}, "luts is"),
        ({"luts": (0,)}, "luts is"),
        ({"encoder": "x"}, "encoder is"),
        ({"luts": (10,), "num_candidates": (2, 3)}, "2 numbers for 1 layers"),
    ],
)
def test_impossible_architectures_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Architecture(**arguments)


def test_a_last_layer_that_classes_cannot_share_is_refused():
    with pytest.raises(ValueError, match="cannot share"):
        build(Architecture(luts=(10,)), np.random.default_rng(0).random((9, 20)), 3)


class Inverted(nn.Sequential):
    def forward(self, x):
        return 1 - super().forward(x)


class Doubled(LogicDense):
    def forward(self, x):
        return 2 * super().forward(x)


class Opposite(nn.Identity):
    def forward(self, x):
        return 1 - x


class Backward(nn.Flatten):
    def forward(self, x):
        return super().forward(x).flip(-1)


class Lowered(Inverted):
    def lower(self, builder, signals):
        return builder.lut(self[0].lower(builder, signals)[:, None], [[1, 0]] * self[0].out_dim)


def hooked(module, part=""):
    module.get_submodule(part).register_forward_hook(lambda module, inputs, output: 1 - output)
    return module


def patched():
    layer = LogicDense(8, 6, 3)
    layer.forward = lambda x: 1 - x
    return layer


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Inverted(LogicDense(8, 6, 3)), "overrides the forward of nn.Sequential"),
        (Doubled(8, 6, 3), "overrides forward but not"),
        (Opposite(), r"Opposite overrides the forward of nn\.Identity"),
        (Backward(), r"Backward overrides the forward of nn\.Flatten"),
        (patched(), "a forward of its own"),
        (hooked(LogicDense(8, 6, 3)), "forward hooks"),
        (hooked(LearnableReduction(2, in_dim=8, bits=2), "levels.0"), "forward hooks"),
        (nn.Flatten(5), "Flatten"),
    ],
)
def test_a_module_that_computes_something_else_is_never_lowered_silently(module, words):
    with pytest.raises(ValueError, match=words):
        to_circuit(nn.Sequential(module), (8,))


def test_a_sequence_with_a_lower_method_is_lowered_by_it():
    model = nn.Sequential(Lowered(LogicDense(8, 6, 3)), GroupSum(2)).eval()
    x = torch.rand(50, 8)
    assert np.array_equal(to_circuit(model, (8,)).decision_function(x.numpy()), model(x).numpy())


def test_an_empty_compiled_sequence_is_unwrapped():
    assert to_circuit(nn.Sequential(torch.compile(nn.Sequential()), GroupSum(2)), (8,)).netlist.num_nodes == 0


def test_hostile_wiring_is_refused():
    layer = LogicDense(8, 6, 3)
    layer.connections.indices[0, 0] = -1
    with pytest.raises(ValueError, match="inputs -1 to"):
        to_circuit(layer, (8,))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_a_model_of_any_dtype_compares_as_float32_like_its_circuit(dtype):
    x = torch.rand(90, 8)
    model = nn.Sequential(DistributiveThermometer(3).fit(x), LogicDense(24, 12, 4), GroupSum(3)).to(dtype).eval()
    assert model[0].thresholds.dtype == torch.float32
    circuit = to_circuit(model, (8,))
    assert np.array_equal(circuit.decision_function(x.numpy()), model(x).numpy())
