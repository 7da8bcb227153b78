"""External tools: where they are, how they are run, and how programs that are not trusted are kept from doing harm."""
