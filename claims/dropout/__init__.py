"""Claims on dropout, its edges, and the masks in which it is seen."""
