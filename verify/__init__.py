"""Does it hold? Claims join laws to subjects; a campaign decides them and returns verdicts."""
