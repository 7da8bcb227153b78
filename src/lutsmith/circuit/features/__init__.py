"""How a circuit reacts to the value of a feature: levels, functions of levels, and whether they are monotone."""
