"""Does it hold? A plan of decisions is run and comes to verdicts, beside the deviations that are documented."""
