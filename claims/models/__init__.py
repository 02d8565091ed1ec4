"""Claims on whole models: roles of parameters, structure, runs."""
