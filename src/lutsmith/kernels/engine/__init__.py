"""The loops of prediction: LUTs, comparators and popcounts on packed samples. Never torch.

Their naive forms are what a circuit is, in NumPy, and lie with it; a test holds the two together:

    lanes    `Netlist.evaluate`                 test_engine: test_outputs_are_those_of_the_netlist_at_every_rank
    bits     `Comparators.encode`               test_bits: test_packed_bits_are_the_comparisons_of_the_specification
             scores and decision of a `Head`    test_engine: test_scores_and_labels_are_those_of_the_head
    windows  `Comparators.encode`               test_bits: test_packed_bits_are_the_comparisons_of_the_specification
    planes   `WordBits.encode`                  test_word_bits: test_the_engine_packs_all_kinds_of_inputs
    single   `Netlist.evaluate`                 test_single: test_outputs_are_those_of_the_netlist_at_every_rank
    scattered `Netlist.evaluate`                test_stages: test_every_signal_is_that_of_the_netlist_at_every_rank
    trials   `PackedEvaluation.change`          test_trials: test_trials_are_what_changing_and_undoing_gives
    rises    `search.effects.table_effects`     test_trials: test_nodes_that_share_readers_are_what_inverting_each_gives
    rise_planes (the same)                      test_trials: test_nodes_that_share_readers_are_what_inverting_each_gives
    rows     `Head.counts`                      test_stages: test_every_signal_is_that_of_the_netlist_at_every_rank
    texts    `pyarrow`'s dictionaries            test_coded: test_texts_have_the_codes_of_a_dictionary
    splits   `cofactor`, `best_split`           test_machine_code: test_splits_of_many_tables_are_those_of_each
    codegen  `lanes.evaluate`                   test_machine_code: test_code_is_the_interpreter_at_every_rank_and_width
"""
