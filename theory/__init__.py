"""What should be true: analytic laws as data, each with its hypotheses, its exactness and its source."""
