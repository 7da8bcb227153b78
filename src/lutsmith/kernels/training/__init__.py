"""The operations of training, each a folder: `naive.py` is its meaning in plain torch, on any device, and what the fast
form is tested against; `operator.py` is what torch sees of it: a checked call, a fake, a gradient; `cpu.py` runs it on
the CPU, by the Numba templates of `loops.py`, where it has some. `ops` lists all of them.

They share `reads.py` (what LUTs read, and the checks), `operators.py` (how an operator is declared), `arguments.py` and
`templates.py` (what all CPU kernels are called with and made of), `build.py` (which compiles them) and `memory.py`.
"""
