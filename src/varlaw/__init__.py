"""Do the numbers with which a network starts, and the norms and clipping that keep it stable, obey their law?"""

__version__ = "0.1.0"
