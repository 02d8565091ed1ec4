"""The verbs of the command, one file each, imported when they are called."""
