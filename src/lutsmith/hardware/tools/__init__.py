"""External tools: where they are, how they are run, and what keeps those that came from elsewhere from doing harm."""
