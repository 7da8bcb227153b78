"""Whether a design, the logic that formats are written from, is the circuit: part by part, by its own specification."""
