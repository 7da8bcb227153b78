"""The answers of exports for rows of data, as a simulator, a compiler or a runtime runs them."""
