"""What is claimed of which kind of subject, in which cases, told from which wrong laws, and the records of it."""
