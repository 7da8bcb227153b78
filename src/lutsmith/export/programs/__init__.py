"""Programs: circuits as C headers, and as JavaScript with WebAssembly."""
