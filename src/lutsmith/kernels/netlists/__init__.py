"""The loops over netlists that simplification runs: cones, gates, and what data read. Never torch.

What they find is judged by `Netlist.evaluate`, their naive form, which no step of simplification may change:

    cuts        test_passes: test_a_pass_changes_no_output_in_any_cycle
    structures  test_restructure: test_gates_are_their_table
    care        test_on_data: test_the_entries_seen_are_those_that_rows_address
"""
