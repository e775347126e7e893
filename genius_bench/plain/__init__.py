"""The suite `plain`: questions in everyday English, drawn from a seed, meant for small real models. Imports nothing
heavy."""
