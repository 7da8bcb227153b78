"""The loops of learning cells by enumeration: many candidate tables at once, on packed examples. Never torch.

`naive.py` says what is computed, one example and one candidate at a time; what computes it on words is held to it:

    serial  test_cell_kernels: test_walks_of_all_tables_are_those_of_plain_python
    arrays  test_cell_kernels: test_arrays_of_many_candidates_are_those_of_plain_python
    rows    test_cell_kernels: test_rows_of_many_candidates_are_those_of_plain_python
"""
