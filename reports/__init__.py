"""What do we tell people: the same verdict records as a terminal table, HTML, Markdown and JUnit XML."""
