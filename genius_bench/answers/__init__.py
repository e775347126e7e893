"""Reading the final answer out of a text: numbers, options, yes and no. Graders and votes read alike."""
