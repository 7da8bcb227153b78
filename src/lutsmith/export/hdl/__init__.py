"""Hardware description languages: Verilog and VHDL, a wrapper for a bus, test benches and constraints."""
