"""What a circuit does as the value of a feature moves: levels, functions of levels, and whether they are monotone."""
