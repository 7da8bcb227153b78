"""Numbers compared with thresholds: bits, feature-major."""
