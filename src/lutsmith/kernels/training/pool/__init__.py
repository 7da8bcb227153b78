"""Order statistics of windows over planes of pixels: OR, AND and majority of bits, and between bits."""
