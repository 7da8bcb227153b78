"""What exports say of rows of data, as a simulator, a compiler or a runtime runs them."""
