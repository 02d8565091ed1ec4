"""What is put to the test: rows that name the real layers, norms and clipping functions of each framework."""
