import subprocess
import sys

import pytest

import lutsmith


def modules_after(code):
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], check=True, capture_output=True, text=True
    )
    return set(result.stdout.split())


def test_importing_lutsmith_imports_neither_torch_nor_numba():
    assert not {"torch", "numba", "numpy", "sklearn"} & modules_after("import lutsmith")


@pytest.mark.needs("torch")
def test_every_public_name_loads():
    for name in lutsmith.__all__:
        assert getattr(lutsmith, name) is not None
    assert {"Circuit", "LogicDense", "load", "to_circuit", "train"} <= set(dir(lutsmith))


def test_circuits_load_without_torch():
    assert "torch" not in modules_after("import lutsmith; lutsmith.load, lutsmith.Circuit, lutsmith.NetlistBuilder")


def test_a_missing_torch_names_the_extra():
    code = (
        "import sys; sys.modules['torch'] = None\nimport lutsmith\n"
        "try: lutsmith.LogicDense\nexcept ModuleNotFoundError as error: assert 'lutsmith[train]' in str(error)\n"
        "else: raise SystemExit('no error')"
    )
    modules_after(code)
