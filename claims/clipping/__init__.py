"""Claims on gradient clipping, its edges, and division by the norm."""
