"""The multipath lab compiler: a topology in, standalone bash out.

`README.md` in this folder is the map of the modules.
"""

__version__ = "0.1.0"
