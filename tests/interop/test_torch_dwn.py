import contextlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

import lutsmith.dwn as dwn
from lutsmith import to_circuit
from lutsmith.interop import ForeignModelError, from_torch_dwn


def usual(rank=3):
    """What no state dict says, as torch_dwn's layers have it by default."""
    return {"ste": True, "alpha": 0.5 * 0.75 ** (rank - 1), "beta": 0.25 / 0.75}


def checkpoint(rank=3, in_dim=9, widths=(8, 6), learnable=True, seed=0):
    """A state dict as torch_dwn lays it out: the first layer's mapping learnable, the others' fixed."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for number, out_dim in enumerate(widths):
        state[f"{number}.luts"] = torch.rand(out_dim, 1 << rank, generator=generator) * 2 - 1
        if number == 0 and learnable:
            state["0._LUTLayer__dummy_mapping"] = torch.arange(out_dim * rank).reshape(out_dim, rank).int()
            state["0.mapping.weights"] = torch.rand(in_dim, out_dim * rank, generator=generator)
        else:
            # duplicates inside a LUT are torch_dwn's, and stay
            state[f"{number}.mapping"] = torch.randint(0, in_dim, (out_dim, rank), generator=generator).int()
        in_dim = out_dim
    return state


def evaluate(state, x):
    """torch_dwn's forward by its definition, LUT by LUT, in Python numbers."""
    rows = x.tolist()
    number = 0
    while f"{number}.luts" in state:
        luts = state[f"{number}.luts"]
        out_dim, rank = len(luts), luts.shape[1].bit_length() - 1
        if f"{number}.mapping.weights" in state:
            mapping = state[f"{number}.mapping.weights"].argmax(0).reshape(out_dim, rank)
        else:
            mapping = state[f"{number}.mapping"]
        rows = [
            [
                float(luts[j, sum(1 << slot for slot in range(rank) if row[mapping[j, slot]] > 0)] > 0)
                for j in range(out_dim)
            ]
            for row in rows
        ]
        number += 1
    return torch.tensor(rows)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.booleans(), st.integers(0, 9999))
def test_model_and_circuit_equal_torch_dwn(rank, learnable, seed):
    state = checkpoint(rank, learnable=learnable, seed=seed)
    x = torch.randint(0, 2, (40, 9), generator=torch.Generator().manual_seed(seed)).float()
    bits = evaluate(state, x)
    model = from_torch_dwn(state, num_classes=3, tau=0.3, in_dim=9, **usual(rank)).eval()
    assert torch.equal(model[:-1](x), bits)
    circuit = to_circuit(model, (9,))
    assert np.array_equal(circuit.outputs(x.numpy()), bits.bool().numpy())
    counts = bits.reshape(40, 3, 2).sum(-1)
    assert np.array_equal(circuit.decision_function(x.numpy()), counts.numpy())


def test_lutsmith_dwn_loads_the_same_checkpoint_to_the_same_outputs():
    state = checkpoint()
    layers = nn.Sequential(dwn.LUTLayer(9, 8, 3, "learnable"), dwn.LUTLayer(8, 6, 3), dwn.GroupSum(3, tau=0.3))
    layers.load_state_dict(dict(state))
    x = torch.randint(0, 2, (100, 9)).float()
    imported = from_torch_dwn(layers)
    assert torch.equal(imported.train()(x), layers(x))
    assert imported[-1].tau == pytest.approx(0.3)
    assert imported[0].parametrization_name == "dwn"
    assert torch.equal(imported[0].weight, state["0.luts"])
    y = torch.randint(0, 3, (100,))
    nn.functional.cross_entropy(imported(x), y).backward()
    nn.functional.cross_entropy(layers(x), y).backward()
    torch.testing.assert_close(imported[0].weight.grad, layers[0].luts.grad)


def test_the_dummy_mapping_is_never_the_wiring():
    state = checkpoint()
    model = from_torch_dwn(state, **usual())
    learned = state["0.mapping.weights"].argmax(0).reshape(8, 3)
    assert torch.equal(model[0].connections.inputs(), learned.int())
    assert not torch.equal(learned, state["0._LUTLayer__dummy_mapping"])
    del state["0.mapping.weights"]
    with pytest.raises(ForeignModelError, match="dummy"):
        from_torch_dwn(state, in_dim=9, **usual())


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model"])
def test_files_of_every_kind_are_read(tmp_path, wrapper):
    state = checkpoint()
    torch.save(state, tmp_path / "plain.pt")
    torch.save({wrapper: state, "epoch": 3}, tmp_path / "wrapped.pt")
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "model.safetensors")
    x = torch.randint(0, 2, (30, 9)).float()
    for name in ("plain.pt", "wrapped.pt", "model.safetensors"):
        assert torch.equal(from_torch_dwn(tmp_path / name, **usual()).eval()(x), evaluate(state, x))


class Hostile:
    """Its unpickling would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_hostile_and_damaged_files_are_refused(tmp_path):
    torch.save({"0.luts": Hostile(tmp_path / "made")}, tmp_path / "hostile.pt")
    good = tmp_path / "good.pt"
    torch.save(checkpoint(), good)
    whole = good.read_bytes()
    (tmp_path / "short.pt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "text.pt").write_bytes(b"not a checkpoint")
    (tmp_path / "short.safetensors").write_bytes(b"\x08\x00\x00")
    for name in ("hostile.pt", "short.pt", "empty.pt", "text.pt", "short.safetensors"):
        with pytest.raises(ForeignModelError, match="cannot read"):
            from_torch_dwn(tmp_path / name)
    assert not (tmp_path / "made").exists()
    with pytest.raises(FileNotFoundError, match=r"there is no file .*missing\.pt"):
        from_torch_dwn(tmp_path / "missing.pt")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_file_with_any_byte_changed_imports_or_is_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "model.pt"
    torch.save(checkpoint(), path)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with contextlib.suppress(ForeignModelError):
        from_torch_dwn(path, **usual())


def test_a_permuted_group_sum_becomes_permuted_luts():
    torch.manual_seed(0)
    theirs = nn.Sequential(dwn.LUTLayer(9, 6, 3), dwn.GroupSum(3, randperm=6))
    x = torch.randint(0, 2, (50, 9)).float()
    ours = from_torch_dwn(theirs).eval()
    assert torch.equal(ours(x), theirs(x))
    state = theirs.state_dict()
    assert torch.equal(from_torch_dwn(state, num_classes=3, tau=1.0, in_dim=9, **usual()).eval()(x), theirs(x))
    order = state.pop("1.randperm")  # as torch_dwn's own state dict is
    assert torch.equal(
        from_torch_dwn(state, num_classes=3, tau=1.0, in_dim=9, permutation=order, **usual()).eval()(x), theirs(x)
    )
    with pytest.raises(ForeignModelError, match="permutation"):
        from_torch_dwn(theirs[:1], num_classes=3, tau=1.0, permutation=torch.zeros(6).long())


def test_a_width_that_the_classes_do_not_divide_is_padded_as_theirs():
    torch.manual_seed(0)
    theirs = nn.Sequential(dwn.LUTLayer(9, 7, 3), dwn.GroupSum(3, tau=2.0))
    x = torch.randint(0, 2, (50, 9)).float()
    ours = from_torch_dwn(theirs).eval()
    assert torch.equal(ours(x), theirs(x))
    circuit = to_circuit(ours, (9,))
    assert np.array_equal(circuit.predict(x.numpy()), theirs(x).argmax(-1).numpy())


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"0.luts": torch.rand(8, 6)}, "6 entries"),
        ({"0.luts": torch.rand(8, 512)}, "512 entries"),
        ({"0.mapping.weights": torch.rand(9, 23)}, r"expected \(any, 24\)"),
        ({"1.mapping": torch.full((6, 3), 8).int()}, "names inputs 8 to 8"),
        ({"1.mapping": None}, "neither mapping nor"),
        ({"thresholds": torch.rand(3)}, "thresholds"),
    ],
)
def test_parts_that_do_not_fit_are_named(changes, match):
    state = checkpoint()
    state.update(changes)
    with pytest.raises(ForeignModelError, match=match):
        from_torch_dwn({key: value for key, value in state.items() if value is not None}, **usual())


def test_the_number_of_inputs_must_be_the_checkpoints():
    with pytest.raises(ForeignModelError, match="in_dim is 8"):
        from_torch_dwn(checkpoint(), in_dim=8, **usual())
    wide = from_torch_dwn(checkpoint(learnable=False), in_dim=30, **usual())
    assert wide[0].in_dim == 30
