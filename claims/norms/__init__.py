"""Claims on normalisation, and on its edges."""
