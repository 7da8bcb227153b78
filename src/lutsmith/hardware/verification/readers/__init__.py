"""What other tools read in a file: modules as Yosys reads them, BLIF and AIGER as ABC does."""
