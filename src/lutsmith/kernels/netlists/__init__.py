"""The loops over netlists that simplification runs: cones, gates, and what data read. Never torch."""
